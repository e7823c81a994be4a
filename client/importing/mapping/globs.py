"""Glob patterns of [skip] and [only]: which texts fit one of several."""

import re
from collections.abc import Callable, Collection
from fnmatch import translate
from typing import Final

_MAGIC: Final = re.compile(r"[*?\[]")
_CLASS: Final = re.compile(r"\[!?\]?[^\]]*(\]?)")
_NEVER: Final = "(?!)"
"""What ``fnmatch`` makes of a class without characters."""


def check_glob(pattern: str) -> None:
    """Validate a pattern.

    Raises:
        ValueError: A class is not closed or empty, with a reason to append to the pattern.
    """
    if any(not match[1] for match in _CLASS.finditer(pattern)):
        raise ValueError("has a [ that is not closed (a literal [ is written [[])")
    if _NEVER in translate(pattern):
        raise ValueError("has a range that runs backwards")


def compile_globs(patterns: Collection[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a text fits one of the patterns.

    Args:
        patterns: ``*`` is any text, ``?`` a character, ``[ABC]`` one of these, ``[!ABC]`` any other
            one; upper and lower case differ; an empty pattern fits the empty text only.
    """
    exact = frozenset(pattern for pattern in patterns if not _MAGIC.search(pattern))
    globs = [translate(pattern) for pattern in patterns if _MAGIC.search(pattern)]
    if not globs:
        return exact.__contains__
    match = re.compile("|".join(globs)).match
    return lambda text: text in exact or match(text) is not None
