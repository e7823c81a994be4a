"""The ``Prefer`` header (RFC 7240): ``handling`` and ``count`` are understood, all else ignored."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from encore.http.short_input_cache import cache_short_inputs

EXACT: Final = "exact"
ESTIMATED: Final = "estimated"
NONE: Final = "none"
COUNT_MODES: Final = (EXACT, ESTIMATED, NONE)
"""How a list can be counted; ``count=…`` is PostgREST's word for it."""

_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PREFERENCE: Final = re.compile(
    r'\s*(handling|count)\s*(?:=\s*(?:"([^"\\]*)"|([^\s;,"]*))\s*)?(?:;|$)', re.IGNORECASE
)
_NOTHING: Final[Mapping[str, str]] = {}


def is_lenient(scope: Scope) -> bool:
    """Return whether the caller asks to pass over what is unknown."""
    return _preferences(scope).get("handling") == "lenient"


def preferred_count(scope: Scope) -> str | None:
    """Return how the caller asks to have a list counted; None if they do not say, or unclearly."""
    count = _preferences(scope).get("count")
    return count if count in COUNT_MODES else None


def _preferences(scope: Scope) -> Mapping[str, str]:
    given = [value for name, value in scope["headers"] if name == b"prefer"]
    return _parsed(b",".join(given)) if given else _NOTHING


@cache_short_inputs(256)
def _parsed(prefer: bytes) -> Mapping[str, str]:
    """Return the preferences by name: of one given twice, the first counts."""
    found: dict[str, str] = {}
    for item in _ITEM.findall(prefer.decode("latin-1")):
        match = _PREFERENCE.match(item)
        if match is not None:
            value = (match[2] or match[3] or "").strip().lower()
            found.setdefault(match[1].lower(), value)
    return found
