"""The ``Prefer`` header (RFC 7240): ``handling``, ``count`` and ``return``.

Unknown preferences are ignored, as the RFC prescribes. With ``handling=strict`` a preference that
is malformed, or that the operation does not support, is a 400 instead. Of several preferences with
one name the first counts.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from encore.errors import BadRequest
from encore.http.short_input_cache import cache_short_inputs
from encore.suggestions import SHOWN

HANDLING: Final = "handling"
COUNT: Final = "count"
RETURN: Final = "return"

STRICT: Final = "strict"
LENIENT: Final = "lenient"
EXACT: Final = "exact"
ESTIMATED: Final = "estimated"
NONE: Final = "none"
COUNT_MODES: Final = (EXACT, ESTIMATED, NONE)
"""How a list can be counted; ``count=…`` is also PostgREST's preference."""
MINIMAL: Final = "minimal"
REPRESENTATION: Final = "representation"

VALUES: Final[Mapping[str, Collection[str]]] = {
    HANDLING: (STRICT, LENIENT),
    COUNT: COUNT_MODES,
    RETURN: (MINIMAL, REPRESENTATION),
}
"""The values of each known preference."""

_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PREFERENCE: Final = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*"
    r'(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*)?(?:;|$)'
)
_QUOTED_PAIR: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of a request.

    Attributes:
        values: The values by name, both in lower case; a preference without a value has ``""``.
        malformed: The items that are not preferences.
    """

    values: Mapping[str, str]
    malformed: tuple[str, ...]


_NO_PREFERENCES: Final = Preferences({}, ())


def is_lenient(scope: Scope) -> bool:
    """Return whether the caller asks to ignore unknown members and parameters."""
    return _preferences(scope).values.get(HANDLING) == LENIENT


def is_strict(scope: Scope) -> bool:
    """Return whether the caller asks to reject what is otherwise ignored."""
    return _preferences(scope).values.get(HANDLING) == STRICT


def preferred_count(scope: Scope) -> str | None:
    """Return how the caller asks to count a list; None without a valid preference."""
    return _valid(scope, COUNT)


def preferred_return(scope: Scope) -> str | None:
    """Return what the caller wants the response to a write to contain; None if it does not say."""
    return _valid(scope, RETURN)


def check_preferences(scope: Scope, supported: Collection[str] = ()) -> None:
    """Reject preferences that will be ignored, if the caller asks for ``handling=strict``.

    Args:
        scope: The request.
        supported: The names of the preferences that the operation supports besides ``handling``.

    Raises:
        BadRequest: A preference is malformed, unsupported, or has an invalid value.
    """
    for name, _ in scope["headers"]:
        if name == b"prefer":
            break
    else:  # Most requests have none: a loop takes half the time of any().
        return
    preferences = _preferences(scope)
    if preferences.values.get(HANDLING) != STRICT:
        return
    for item in preferences.malformed:
        raise _rejected(f"{item[:SHOWN]!r} is malformed")
    known = (HANDLING, *supported)
    for name, value in preferences.values.items():
        if name not in known:
            names = ", ".join(known)
            raise _rejected(f"this operation does not support {name[:SHOWN]!r}, only {names}")
        if value not in VALUES[name]:
            raise _rejected(f"{name} must be one of {', '.join(VALUES[name])}")


def _rejected(message: str) -> BadRequest:
    return BadRequest(f"Prefer: {message}", [{"field": "Prefer", "message": message}])


def _valid(scope: Scope, name: str) -> str | None:
    value = _preferences(scope).values.get(name)
    return value if value in VALUES[name] else None


def _preferences(scope: Scope) -> Preferences:
    values = [value for name, value in scope["headers"] if name == b"prefer"]
    return _parse_prefer(b",".join(values)) if values else _NO_PREFERENCES


@cache_short_inputs(256)
def _parse_prefer(prefer: bytes) -> Preferences:
    """Parse the combined header; of duplicates the first counts."""
    values: dict[str, str] = {}
    malformed = []
    for item in _ITEM.findall(prefer.decode("latin-1")):
        match = _PREFERENCE.match(item)
        if match is not None:
            quoted, bare = match[2], match[3]
            value = bare or "" if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
            values.setdefault(match[1].lower(), value.strip().lower())
        elif item.strip():
            malformed.append(item.strip())
    return Preferences(values, tuple(malformed))
