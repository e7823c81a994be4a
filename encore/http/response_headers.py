"""The headers of a response as they are sent: its own, and those that every response has.

A header that an operation sets itself overrides the common one of that name.

Behind the gate no cache stores a response (RFC 9111), and none is reused for another token:
``Cache-Control: no-store`` and ``Vary: Authorization`` are added to whatever an operation that
requires a token sends, errors and empty responses included. A ``Cache-Control`` of the operation
itself stays if caches must not reuse the response without asking; any other is replaced, and
reported in the log once for each route. All names of ``Vary`` are combined into one line.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

import structlog

from encore.http.request_state import Header, RequestState

_log: Final = structlog.get_logger("encore.http")

_CACHE_CONTROL: Final = b"cache-control"
_VARY: Final = b"vary"
_CACHING: Final = frozenset({_CACHE_CONTROL, _VARY})

_NO_STORE: Final[Header] = (_CACHE_CONTROL, b"no-store")

_STRICT: Final = (frozenset({b"no-store"}), frozenset({b"private", b"no-cache"}))
"""Directives one set of which a response must have: not stored, or revalidated by its caller."""

_CACHED_FIELDS: Final = 1_000


class ResponseHeaders:
    """Adds to the headers of responses.

    Args:
        common: The headers of every response, unless its operation sets them; names are in lower
            case.
    """

    def __init__(self, common: tuple[Header, ...]) -> None:
        self._common = common
        self._names = _CACHING | {name for name, _ in common}
        self._private = _combined(common, None)

    def of(self, own: Collection[Header], state: RequestState) -> list[Header]:
        """Return all headers of a response.

        Args:
            own: Those that its operation has set.
            state: The request, whose layers may have changed the common headers.
        """
        names = self._names
        overriding = [header for header in own if header[0] in names]
        if state.access.public:
            return [*own, *_without(state.headers, overriding)]
        if state.headers is self._common:
            if not overriding:
                return [*own, *self._private]
            if len(overriding) == 1 and overriding[0][0] == _VARY:  # Lists.
                headers = [*own, *self._common, _NO_STORE]
                headers[headers.index(overriding[0])] = _vary(overriding[0][1])
                return headers
        return _combined((*own, *_without(state.headers, overriding)), state.route)


def _without(headers: Iterable[Header], overriding: Collection[Header]) -> Iterable[Header]:
    """Return the headers that an operation has not set itself; those of Vary are combined."""
    if not overriding:
        return headers
    names = {name for name, _ in overriding if name != _VARY}
    return [header for header in headers if header[0] not in names]


def _combined(headers: Iterable[Header], route: str | None) -> list[Header]:
    """Return the headers of a response that must not be stored: one of each caching field."""
    control = vary = b""
    combined = []
    for header in headers:
        name, value = header
        if name == _VARY:
            vary = b"%b, %b" % (vary, value) if vary else value
        elif name == _CACHE_CONTROL:
            control = b"%b, %b" % (control, value) if control else value
        else:
            combined.append(header)
    return [*combined, _cache_control(control, route), _vary(vary)]


@lru_cache(_CACHED_FIELDS)
def _cache_control(own: bytes, route: str | None) -> Header:
    """Return ``Cache-Control``: the operation's if it is strict, else ``no-store``."""
    directives = {directive.strip().lower() for directive in own.split(b",")}
    if any(strict <= directives for strict in _STRICT):
        return (_CACHE_CONTROL, own)
    if own:
        _log.warning("cache-control replaced", route=route, reason="the route requires a token")
    return _NO_STORE


@lru_cache(_CACHED_FIELDS)
def _vary(own: bytes) -> Header:
    """Return ``Vary`` with Authorization, each name once; ``*`` is kept, as it covers all."""
    names: dict[bytes, bytes] = {}
    for name in (*own.split(b","), b"Authorization"):
        if name.strip():
            names.setdefault(name.strip().lower(), name.strip())
    return (_VARY, b"*" if b"*" in names else b", ".join(names.values()))
