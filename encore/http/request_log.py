"""The outermost layer: opens the exchange, answers with its id, and writes one line about it.

The line holds time, request id, client, method, route, status, duration, reason code and the
database's code (SQLSTATE, or the name of SQLite's result code) where it refused; never a token, a
query, a body or SQL. That of a stream has its rows and bytes as well; one that was cut off has the
status that it began with, and its reason. A request that ended without an answer has status 0 and
its reason.
"""

import re
from secrets import token_hex
from time import perf_counter
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.database.callers import current_caller
from encore.http.request_body import get_header
from encore.http.request_state import Header, RequestState

log: Any = structlog.get_logger("encore.request")

UNANSWERED: Final = "unanswered"
"""The reason code of a request whose caller went away, or whose answer could not be sent."""

_OWN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestLogMiddleware:
    """Wraps every request.

    Args:
        app: The next layer.
        enabled: Whether lines are written; the id is given in any case.
        headers: What every answer carries, unless a layer decides otherwise.
    """

    def __init__(
        self, app: ASGIApp, *, enabled: bool = True, headers: tuple[Header, ...] = ()
    ) -> None:
        self._app = app
        self._enabled = enabled
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell of it afterwards."""
        begun = perf_counter()
        outer = RequestState.of_outer_app(scope)
        request_id = _request_id(scope)
        state = RequestState(
            request_id.decode(), headers=self._headers, peer=scope.get("client"), channel=receive
        )
        said: tuple[Header, ...] = ((b"x-request-id", request_id),)
        if outer is not None:  # Mounted: the application around this one has opened the request.
            scope = dict(scope)  # What belongs to the outer one stays there.
            state.inherit(outer)
            state.headers = _without(self._headers, outer.headers)
            said = ()
        state.attach(scope)
        status = 0

        async def stamp(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *said,
                    *state.headers,
                ]
            elif not message.get("more_body"):
                state.answered = True
            await send(message)

        current_caller.set(state)
        try:
            await self._app(scope, state.receive, stamp)
        finally:
            if state.watch is not None:
                state.watch.close()
            if self._enabled:
                log.info(
                    "request",
                    request_id=state.request_id,
                    client=state.client_id,
                    method=scope["method"],
                    route=state.route,
                    status=status,
                    milliseconds=round((perf_counter() - begun) * 1000, 3),
                    reason=state.reason or (None if status else UNANSWERED),
                    cause=state.cause,
                    **(state.measures or {}),
                )


def _without(headers: tuple[Header, ...], others: tuple[Header, ...]) -> tuple[Header, ...]:
    """Return the headers that the others do not set."""
    names = {name for name, _ in others}
    return tuple((name, value) for name, value in headers if name not in names)


def _request_id(scope: Scope) -> bytes:
    """Take the caller's id, if it is harmless, or make one."""
    given = get_header(scope, b"x-request-id")
    if given is not None and _OWN_ID.fullmatch(given):
        return given
    return token_hex(8).encode()
