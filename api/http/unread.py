"""Bodies that nobody has read: the connection ends with the answer, and the answer says so.

An operation may answer before the body has come: a token is missing, there is no such route. The
server cannot read a next request out of what is still to come, and closes the connection; a
client that was not told would send its next request into it (RFC 9112, section 9.6).
"""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.body import header

_CLOSE = (b"connection", b"close")


class UnreadBody:
    """Adds ``Connection: close`` to answers that leave a body unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on; one without a body costs a look at its headers."""
        length = header(scope, b"content-length")
        if length == b"0" or (length is None and header(scope, b"transfer-encoding") is None):
            return self._app(scope, receive, send)
        return self._watch(scope, receive, send)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        unread = True

        async def read() -> Message:
            nonlocal unread
            message = await receive()
            unread = message.get("more_body", False)
            return message

        async def tell(message: Message) -> None:
            if unread and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        await self._app(scope, read, tell)
