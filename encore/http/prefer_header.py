"""The ``Prefer`` header (RFC 7240): ``handling`` and ``count``; other preferences are ignored."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from encore.http.short_input_cache import cache_short_inputs

EXACT: Final = "exact"
ESTIMATED: Final = "estimated"
NONE: Final = "none"
COUNT_MODES: Final = (EXACT, ESTIMATED, NONE)
"""How a list can be counted; ``count=…`` is also PostgREST's preference."""

_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PREFERENCE: Final = re.compile(
    r'\s*(handling|count)\s*(?:=\s*(?:"([^"\\]*)"|([^\s;,"]*))\s*)?(?:;|$)', re.IGNORECASE
)
_NO_PREFERENCES: Final[Mapping[str, str]] = {}


def is_lenient(scope: Scope) -> bool:
    """Return whether the caller asks to ignore unknown members and parameters."""
    return _preferences(scope).get("handling") == "lenient"


def preferred_count(scope: Scope) -> str | None:
    """Return how the caller asks to count a list; None without a valid preference."""
    count = _preferences(scope).get("count")
    return count if count in COUNT_MODES else None


def _preferences(scope: Scope) -> Mapping[str, str]:
    values = [value for name, value in scope["headers"] if name == b"prefer"]
    return _parse_prefer(b",".join(values)) if values else _NO_PREFERENCES


@cache_short_inputs(256)
def _parse_prefer(prefer: bytes) -> Mapping[str, str]:
    """Return the preferences by name; of duplicates the first counts."""
    preferences: dict[str, str] = {}
    for item in _ITEM.findall(prefer.decode("latin-1")):
        match = _PREFERENCE.match(item)
        if match is not None:
            value = (match[2] or match[3] or "").strip().lower()
            preferences.setdefault(match[1].lower(), value)
    return preferences
