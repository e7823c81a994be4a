"""Bodies that nobody has read, or that do not come: the connection ends with the answer.

An operation may answer before the body has come: a token is missing, there is no such route. The
server cannot read a next request out of what is still to come, and closes the connection; a
client that was not told would send its next request into it (RFC 9112, section 9.6).

Whoever reads a body reads it through here, so the wait for it is bounded here as well.
"""

from asyncio import CancelledError
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.http.body_timeout import BODY_TIMEOUT_SECONDS, BodyTimeouts, as_cancellable
from encore.http.request_body import get_header

_CLOSE = (b"connection", b"close")


class CloseUnreadBodyMiddleware:
    """Adds ``Connection: close`` to answers that leave a body unread.

    Args:
        app: The next layer.
        timeout: How long a request may wait for its body, in seconds
            (``encore.http.body_timeout``).
    """

    def __init__(self, app: ASGIApp, *, timeout: float = BODY_TIMEOUT_SECONDS) -> None:
        self._app = app
        self._waits = BodyTimeouts(timeout)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on; one without a body costs a look at its headers."""
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
            if not unread:  # What is awaited is that the caller leaves.
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
            if not rest:  # The server would say so with one more, empty message.
                message["more_body"] = False
            unread = message.get("more_body", False)
            return message

        async def tell(message: Message) -> None:
            if unread and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        try:
            await self._app(scope, read, tell)
        finally:
            if waits.slow:
                waits.slow.pop(request, None)


def _length(scope: Scope, content_length: bytes | None) -> int:
    """Return how long the body will be, in bytes; -1 where only its end tells."""
    if content_length is None or get_header(scope, b"transfer-encoding") is not None:
        return -1
    return int(content_length) if content_length.isdigit() else -1
