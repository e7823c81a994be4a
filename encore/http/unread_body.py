"""Closes the connection after a response that left the request's body unread.

An operation may respond before the body has arrived: a token is missing, the route does not exist.
The server cannot find the next request in the rest of the body, and closes the connection; without
``Connection: close`` the client would send its next request into it (RFC 9112, section 9.6).

Every body is read through this middleware, which therefore also applies ``body_timeout``.
"""

from asyncio import CancelledError
from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.http.body_timeout import BODY_TIMEOUT_SECONDS, BodyTimeouts, as_cancellable
from encore.http.request_body import get_header

_CLOSE: Final = (b"connection", b"close")


class CloseUnreadBodyMiddleware:
    """Adds ``Connection: close`` to responses that leave a body unread.

    Args:
        app: The next layer.
        timeout: How long a request may wait for its body, in seconds
            (``encore.http.body_timeout``).
    """

    def __init__(self, app: ASGIApp, *, timeout: float = BODY_TIMEOUT_SECONDS) -> None:
        self._app = app
        self._waits = BodyTimeouts(timeout)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle the request; without a body this only looks at its headers."""
        length = get_header(scope, b"content-length")
        if length == b"0" or (length is None and get_header(scope, b"transfer-encoding") is None):
            return self._app(scope, receive, send)
        return self._watch(scope, receive, send, _length(scope, length))

    async def _watch(self, scope: Scope, receive: Receive, send: Send, rest: int) -> None:
        unread = True
        waits = self._waits
        request = id(scope)

        async def read() -> Message:
            nonlocal unread, rest
            if not unread:  # The application waits for http.disconnect.
                return await receive()
            pending = as_cancellable(receive())
            waits.pending[request] = pending
            if not waits.watched:
                waits.watch()
            try:
                message: Message = await pending
            except CancelledError:
                waits.check(request)
                raise
            finally:
                del waits.pending[request]
            size = len(message.get("body", b""))
            if waits.slow:
                waits.credit(request, size)
            rest -= size
            if not rest:  # The server would send one more, empty message.
                message["more_body"] = False
            unread = message.get("more_body", False)
            return message

        async def add_close(message: Message) -> None:
            if unread and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        try:
            await self._app(scope, read, add_close)
        finally:
            if waits.slow:
                waits.slow.pop(request, None)


def _length(scope: Scope, content_length: bytes | None) -> int:
    """Return the length of the body in bytes; -1 if it is unknown."""
    if content_length is None or get_header(scope, b"transfer-encoding") is not None:
        return -1
    return int(content_length) if content_length.isdigit() else -1
