"""The operation of a list: a page as JSON, or all rows as a stream, as ``Accept`` asks.

A stream is sent as fast as its caller reads: ``send`` waits while the server's and the system's
buffers are full. A caller who is gone ends it, and so does one who reads nothing for long. One
that fails is cut off without the end of its body, so that it never looks whole.
"""

import asyncio
from typing import Final
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from encore.endpoints.endpoint import Operation
from encore.errors import BadRequest, ClientClosedRequest
from encore.execution.actions import JSON_ONLY
from encore.execution.context import Headers, Response
from encore.execution.pipeline import Pipeline
from encore.http.access import Access
from encore.http.compression import GzipEncoder, accepts_gzip
from encore.http.media_types import not_acceptable, preferred_media_type
from encore.http.request_state import RequestState
from encore.streams.context import PageContext, Stream
from encore.streams.formats import FORMATS, Format
from encore.streams.pipeline import StreamPipeline

SEND_SECONDS: Final = 120.0
"""How long a caller may read nothing, in seconds."""

_WITHOUT_CHUNKS: Final = ("1.0", "1")
"""HTTP/1.0, as servers name it."""

_VARY: Final = (b"vary", b"Accept, Accept-Encoding")


class ClientStalled(BadRequest):
    """The caller has read nothing for ``SEND_SECONDS``."""

    slug = "client-stalled"


class ListOperation(Operation):
    """What the endpoint of a list does.

    Args:
        pipeline: Answers with a page.
        streams: Answers with all rows.
        access: The scopes that both ask for.
    """

    def __init__(self, pipeline: Pipeline, streams: StreamPipeline, access: Access) -> None:
        super().__init__(pipeline, access)
        self._streams = streams
        self._file = _file_of(pipeline.action.resource.collection_path)

    @property
    def streams(self) -> tuple[str, ...]:
        """The media types of all rows in one response."""
        return tuple(FORMATS[one].media_type for one in self._streams.offered)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what ``Accept`` prefers. Raises ``NotAcceptable``."""
        offered = self._streams.offered
        if not offered:
            await super().__call__(scope, receive, send)
            return
        chosen = preferred_media_type(scope, JSON_ONLY, offered)
        if chosen in FORMATS:
            await self._stream(FORMATS[chosen], scope, send)
            return
        if chosen is None and self.pipeline.produces:
            raise not_acceptable((*JSON_ONLY, *self.streams))
        await self.answer(scope, receive, send)

    async def _stream(self, type_: Format, scope: Scope, send: Send) -> None:
        if scope["http_version"] in _WITHOUT_CHUNKS:
            raise BadRequest(
                "A stream needs HTTP/1.1: in HTTP/1.0 one that fails looks as if it were whole"
            )
        stream = Stream(type_, GzipEncoder() if accepts_gzip(scope) else None)
        opened = await self._streams.open(scope, stream)
        if isinstance(opened, Response):
            await self.respond(opened, scope, send)
            return
        headers = self._headers(opened)
        await send({"type": "http.response.start", "status": opened.status, "headers": headers})
        if scope["method"] == "HEAD":
            await self._streams.complete(opened)
        elif not await self._send(opened, scope, send):
            return  # Without the body's end.
        await send({"type": "http.response.body", "body": b""})

    def _headers(self, page: PageContext) -> Headers:
        stream = page.stream
        coding = [] if stream.gzip is None else [(b"content-encoding", b"gzip")]
        file = f"{self._file}.{stream.format.suffix}"
        return [
            *page.headers,
            (b"content-type", stream.format.content_type.encode()),
            (b"content-disposition", _disposition(file)),
            _VARY,
            *coding,
        ]

    async def _send(self, page: PageContext, scope: Scope, send: Send) -> bool:
        """Send the body but for its end; return whether the caller is still there.

        Raises:
            Exception: Of any kind, where reading or writing fails.
        """
        state, stream = RequestState.from_scope(scope), page.stream
        leaving = asyncio.ensure_future(state.left())
        size = 0

        async def send_piece(data: bytes) -> None:
            nonlocal size
            if leaving.done():
                raise ClientClosedRequest
            if not data:
                return
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except TimeoutError as error:
                raise ClientStalled("The caller reads nothing") from error
            size += len(data)

        try:
            await self._streams.send_pages(page, send_piece)
        except ClientClosedRequest as error:
            state.reason = error.reason
            return False
        else:
            return True
        finally:
            leaving.cancel()
            state.measures = {"rows": stream.rows, "bytes": size}
            if stream.writer is not None and stream.writer.invalid:
                state.measures["invalid_values"] = stream.writer.invalid


def _file_of(path: str) -> str:
    """Return the name of a list's file without its suffix: the path's last word."""
    words = [word for word in path.split("/") if word and word[0] != "{"]
    return words[-1] if words else "rows"


def _disposition(name: str) -> bytes:
    """Return ``Content-Disposition`` (RFC 6266); a name in other scripts also as RFC 8187 says."""
    plain = "".join(letter if letter.isascii() else "_" for letter in name)
    value = f'attachment; filename="{plain}"'
    return (
        value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"
    ).encode()
