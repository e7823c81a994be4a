"""Compare names by what a reader takes them for: UTS 39, section 4, after case folding.

UTS 39 compares what is displayed, so that names written from right to left are reordered first
(``bidiSkeleton``). Instead of the bidirectional algorithm, their letters are reversed and all other
characters sorted. Names that the algorithm displays alike are found, and some more; not found is a
digit of such a name that looks like a letter of another.
"""

import unicodedata
from functools import lru_cache
from typing import Final

from encore.confusables.unicode_data import Standing, load_unicode_data

CACHED_NAMES: Final = 4096
"""Names whose readings are kept: a bulk decision compares each name several times."""

_RIGHT_TO_LEFT: Final = ("R", "AL")
_INVISIBLE: Final = (Standing.IGNORABLE, Standing.UNPRINTABLE)


def same_person(a: str, b: str) -> bool:
    """Return whether two names may be taken for the name of one person.

    Names are the same person's if they differ in upper and lower case, in characters that look
    alike (confusables), in compatibility variants (full-width letters), in canonical composition,
    in invisible characters or in white space. Use it where two people must be different, such as
    for the four-eyes principle; not for ownership, where a name must be equal.

    The relation is symmetric, but not transitive: ``Ian`` can be read as ``ian`` and as ``lan``,
    which are two people.
    """
    return a == b or not _readings(a).isdisjoint(_readings(b))


def begins_alike(name: str, prefix: str) -> bool:
    """Return whether a name may be taken for one that begins with a prefix, as ``same_person``."""
    return any(
        reading.startswith(beginning)
        for reading in _readings(name)
        for beginning in _readings(prefix)
    )


def skeleton(text: str) -> str:
    """Return the skeleton of a text: equal for texts that look alike (UTS 39, section 4).

    Case is kept: ``I`` looks like ``l``, and ``i`` does not.
    """
    prototypes = load_unicode_data().prototypes
    return _nfd(_nfd(text).translate(prototypes))


@lru_cache(CACHED_NAMES)
def _readings(name: str) -> frozenset[str]:
    """Return what a name can be read as, without regard to case.

    As written, letters look alike within their case: ``I`` like ``l``. Read aloud, they don't:
    ``IAN`` is ``ian``. So case is folded both before and after look-alikes are replaced.
    """
    visible = _remove_invisible(name)
    if not visible.isascii():
        visible = _reorder(visible)
    folded = {_fold_case(visible), _fold_case(skeleton(visible))}
    return frozenset(_tidy(skeleton(text)) for text in folded)


def _remove_invisible(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name
    data = load_unicode_data()
    return "".join(c for c in name if c.isspace() or data.standing(c) not in _INVISIBLE)


def _reorder(name: str) -> str:
    """Return a name of a right-to-left script with its letters as displayed, and then the rest.

    Names in both directions are returned as they are: they are of several scripts, and refused.
    """
    if not any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in name):
        return name
    characters = " ".join(unicodedata.normalize("NFKD", name).split())
    letters = [c for c in characters if unicodedata.bidirectional(c) in _RIGHT_TO_LEFT]
    others = [c for c in characters if unicodedata.bidirectional(c) not in _RIGHT_TO_LEFT]
    if any(c.isalpha() for c in others):
        return name
    return "".join((*reversed(letters), *sorted(others)))


def _fold_case(text: str) -> str:
    """Return a text with case and compatibility variants folded, as NFKC_Casefold does."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _tidy(text: str) -> str:
    """Return a text with single spaces, and without dots above letters that have one.

    ``İ`` in lower case is an ``i`` with such a dot, which is not seen.
    """
    return " ".join(text.split()).replace("i\u0307", "i").replace("j\u0307", "j")


def _nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)
