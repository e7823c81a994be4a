"""The outermost middleware: creates the request state, sends the request id, logs each request.

A log line has time, request id, the caller's issuer, subject, client and address, method, route,
status, duration, reason code and the failure's code (SQLSTATE, or the name of SQLite's result
code), but never a token, a query, a body or SQL. The line of a stream also has its rows and bytes;
an aborted one has the status that it started with and its reason. A request without a response has
status 0 and its reason.
"""

import re
from random import Random
from time import perf_counter
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.database.callers import current_caller
from encore.http.caller_fields import CallerFields, Fields, field
from encore.http.forwarded import TrustedProxies
from encore.http.request_body import get_header
from encore.http.request_state import Header, RequestState
from encore.http.response_headers import ResponseHeaders

_log: Final = structlog.get_logger("encore.http")

UNANSWERED: Final = "unanswered"
"""The reason code of a request whose client disconnected, or whose response was not sent."""

_VALID_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ID_BYTES: Final = 8
_ID_BITS: Final = 8 * _ID_BYTES

_numbers: Final = Random()  # noqa: S311 - request ids are unique, not secret
"""Seeded by the operating system in each process; half a microsecond cheaper than its numbers."""


class RequestLogMiddleware:
    """Creates the state of every request and logs the request.

    Args:
        app: The next layer.
        enabled: Whether requests are logged; the request id is sent in any case.
        headers: Headers of every response, unless a layer overrides them.
        proxies: Determines the client's address; by default it is that of the connection.
        caller_fields: Names the caller in the line; by default with the subject as it is.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        enabled: bool = True,
        headers: tuple[Header, ...] = (),
        proxies: TrustedProxies | None = None,
        caller_fields: CallerFields | None = None,
    ) -> None:
        self._app = app
        self._client_address = (proxies or TrustedProxies()).client_address
        self._caller_fields = (caller_fields or CallerFields()).of
        self._enabled = enabled
        self._headers = headers
        self._response_headers = ResponseHeaders(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request, then log it."""
        start = perf_counter()
        outer = RequestState.of_outer_app(scope)
        request_id = _request_id(scope)
        state = RequestState(
            request_id.decode(),
            headers=self._headers,
            remote_address=self._client_address(scope),
            channel=receive,
        )
        id_headers: tuple[Header, ...] = ((b"x-request-id", request_id),)
        if outer is not None:  # Mounted: the outer application has created a state.
            scope = dict(scope)  # The outer application keeps its own state.
            state.inherit(outer)
            state.headers = _without(self._headers, outer.headers)
            id_headers = ()
        state.attach(scope)
        status = 0

        async def add_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = (*message["headers"], *id_headers)
                message["headers"] = self._response_headers.of(own, state)
            elif not message.get("more_body"):
                state.answered = True
            await send(message)

        current_caller.set(state)
        try:
            await self._app(scope, state.receive, add_headers)
        finally:
            state.close()
            if self._enabled:
                issuer, subject, client = self._name_caller(state)
                _log.info(
                    "request",
                    request_id=state.request_id,
                    issuer=issuer,
                    subject=subject,
                    client=client,
                    remote_address=state.remote_address or None,
                    method=scope["method"],
                    route=state.route,
                    status=status,
                    milliseconds=round((perf_counter() - start) * 1000, 3),
                    reason=state.reason or (None if status else UNANSWERED),
                    cause=state.cause,
                    **(state.measures or {}),
                )

    def _name_caller(self, state: RequestState) -> Fields:
        """Return issuer, subject and client; each is None if it is unknown."""
        caller = state.caller
        if caller is None:
            return None, None, field(state.client_id)
        return self._caller_fields(caller)


def _without(headers: tuple[Header, ...], others: tuple[Header, ...]) -> tuple[Header, ...]:
    """Return the headers whose names are not among the others."""
    names = {name for name, _ in others}
    return tuple((name, value) for name, value in headers if name not in names)


def _request_id(scope: Scope) -> bytes:
    """Return the caller's request id if it is valid, otherwise a new one."""
    request_id = get_header(scope, b"x-request-id")
    if request_id is not None and _VALID_ID.fullmatch(request_id):
        return request_id
    return _numbers.getrandbits(_ID_BITS).to_bytes(_ID_BYTES, "big").hex().encode()
