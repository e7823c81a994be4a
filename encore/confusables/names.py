"""Validate names: printable, and "highly restrictive" by UTS 39, section 5.2.

UTS 39 judges identifiers of programs, and its restriction levels ask that all characters are in
its identifier profile (section 3.1), which has no ``@``, ``|`` and space. Names such as
``auth0|5f7c`` and ``ada@example.com`` have them. So the profile is applied to letters, marks and
numbers, in composed or decomposed form, and letters that it leaves out only for being rare are
accepted; punctuation and symbols, which belong to no script, are not judged.

A prefix for the people of an issuer, as in ``partner:ada``, is judged as a name by itself, so that
names of any script can follow it.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final

from encore.confusables.unicode_data import Standing, UnicodeData, load_unicode_data

CACHED_NAMES: Final = 1024
"""Names whose errors are kept: the rows of an upload repeat a few names."""

_MESSAGES: Final = {
    Standing.IGNORABLE: "which is not printable",
    Standing.UNPRINTABLE: "which is not printable",
    Standing.WHITE_SPACE: "which is not the space U+0020",
    Standing.RESTRICTED: "which is outside the identifier profile of UTS 39",
}
_WRITING_SYSTEMS: Final = {
    "Hani": ("Hanb", "Jpan", "Kore"),
    "Hira": ("Jpan",),
    "Kana": ("Jpan",),
    "Hang": ("Kore",),
    "Bopo": ("Hanb",),
}
"""Writing systems by the scripts that they use (UTS 39, section 5.1)."""

_WITH_LATIN: Final = frozenset({"Hanb", "Jpan", "Kore"})


def validate_name(name: str) -> str | None:
    """Return why a name is refused, or None if it is valid.

    The message follows the name of a field: "must not contain U+200D ZERO WIDTH JOINER, which is
    not printable". The name itself is never in it. Length is not validated.
    """
    if not name:
        return "must not be empty"
    if " " in (name[0], name[-1]):
        return "must not begin or end with a space"
    if "  " in name:
        return "must not contain two spaces in a row"
    if name.isascii() and name.isprintable():
        return None
    return _find_error(name)


@lru_cache(CACHED_NAMES)
def _find_error(name: str) -> str | None:
    data = load_unicode_data()
    errors = (check(part, data) for part in name.split(":") if part for check in _CHECKS)
    return next((error for error in errors if error is not None), None)


def _check_characters(name: str, data: UnicodeData) -> str | None:
    for character in name:
        standing = data.standing(character)
        if character == " " or standing is Standing.ALLOWED:
            continue
        if standing is Standing.RESTRICTED and _is_allowed_decomposed(character, data):
            continue
        return f"must not contain {_describe(character)}, {_MESSAGES[standing]}"
    return None


def _is_allowed_decomposed(character: str, data: UnicodeData) -> bool:
    decomposed = unicodedata.normalize("NFD", character)
    return all(data.standing(part) is Standing.ALLOWED for part in decomposed)


def _check_marks(name: str, _data: UnicodeData) -> str | None:
    """Check that marks have a letter, and that none is hidden by an equal one (section 5.4)."""
    if unicodedata.category(name[0]).startswith("M"):
        return f"must not begin with {_describe(name[0])}, a combining mark"
    for mark, following in pairwise(unicodedata.normalize("NFD", name)):
        if mark == following and unicodedata.category(mark) == "Mn":
            return f"must not repeat {_describe(mark)}"
    return None


def _check_numbers(name: str, _data: UnicodeData) -> str | None:
    """Check that digits are of one number system (section 5.3)."""
    digits = [character for character in name if character.isdecimal()]
    for digit in digits[1:]:
        if _zero(digit) != _zero(digits[0]):
            return f"must use digits of one script, not {_describe_both(digits[0], digit)}"
    return None


def _zero(digit: str) -> int:
    """Return the code point of the zero of a digit's number system."""
    return ord(digit) - unicodedata.decimal(digit)


def _check_scripts(name: str, data: UnicodeData) -> str | None:
    """Check that a name is of one script, or of Latin and one of the East Asian systems."""
    # Of characters with the same scripts the first one: there are few sets, and all are compared.
    first_of: dict[frozenset[str], str] = {}
    for character in name:
        first_of.setdefault(data.scripts_of(character), character)
    of_script = [(c, _augment(scripts)) for scripts, c in first_of.items() if scripts]
    conflict = _find_conflict(of_script)
    if conflict is None:
        return None
    others = [(c, scripts) for c, scripts in of_script if "Latn" not in scripts]
    if _WITH_LATIN & _resolve(others):
        return None
    return (
        "must be in one script, or in Latin with Chinese, Japanese or Korean, not those of "
        + _describe_both(*(_find_conflict(others) or conflict))
    )


def _augment(scripts: frozenset[str]) -> frozenset[str]:
    """Return scripts and the writing systems that they are part of."""
    return scripts.union(*(_WRITING_SYSTEMS.get(script, ()) for script in scripts))


def _resolve(of_script: Sequence[tuple[str, frozenset[str]]]) -> frozenset[str]:
    """Return the scripts that all characters are used with (UTS 39, section 5.1)."""
    first, *rest = (scripts for _, scripts in of_script)
    return first.intersection(*rest)


def _find_conflict(of_script: Sequence[tuple[str, frozenset[str]]]) -> tuple[str, str] | None:
    """Return two characters that are not of one script, or None if all characters are."""
    if not of_script or _resolve(of_script):
        return None
    for (first, scripts), (second, other) in combinations(of_script, 2):
        if not scripts & other:
            return first, second
    return of_script[0][0], of_script[-1][0]  # Each two agree on a script, but not all on one.


def _describe(character: str) -> str:
    """Return code point and name of a character, which are safe to print."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def _describe_both(first: str, second: str) -> str:
    return f"both {_describe(first)} and {_describe(second)}"


_CHECKS: Final[Sequence[Callable[[str, UnicodeData], str | None]]] = (
    _check_characters,
    _check_marks,
    _check_numbers,
    _check_scripts,
)
