"""The operation of a list: a page as JSON, or all rows as a stream, by content negotiation.

A stream is sent as fast as the client reads: ``send`` waits while buffers are full. It ends if the
client disconnects or reads nothing for ``SEND_SECONDS``. After an error the connection is closed
without the end of the body, so that a client cannot mistake it for complete.
"""

import asyncio
from typing import Final

from starlette.types import Receive, Scope, Send

from encore.endpoints.endpoint import Operation
from encore.errors import BadRequest, ClientClosedRequest
from encore.execution.actions import JSON_ONLY
from encore.execution.context import Headers, Response
from encore.execution.pipeline import Pipeline
from encore.http.access import Access
from encore.http.compression import GzipEncoder, accepts_gzip
from encore.http.content_disposition import attachment
from encore.http.media_types import not_acceptable, preferred_media_type
from encore.http.request_state import RequestState
from encore.http.unsupported_headers import reject_idempotency_key
from encore.streams.context import PageContext, Stream
from encore.streams.formats import FORMATS, StreamFormat
from encore.streams.pipeline import StreamPipeline

SEND_SECONDS: Final = 120.0
"""How long a client may read nothing, in seconds."""

_WITHOUT_CHUNKS: Final = ("1.0", "1")
"""HTTP/1.0, in the spellings of servers."""

_VARY: Final = (b"vary", b"Accept, Accept-Encoding")


class ClientStalled(BadRequest):
    """The client has read nothing for ``SEND_SECONDS``."""

    slug = "client-stalled"


class ListOperation(Operation):
    """The operation of a list.

    Args:
        pipeline: The pipeline of a page.
        streams: The pipeline of a stream.
        access: The access that both require.
    """

    def __init__(self, pipeline: Pipeline, streams: StreamPipeline, access: Access) -> None:
        super().__init__(pipeline, access)
        self._streams = streams
        self._file = _file_of(pipeline.action.resource.collection_path)

    @property
    def streams(self) -> tuple[str, ...]:
        """The media types of streams, without those in parts."""
        return tuple(dict.fromkeys(FORMATS[name].media_type for name in self._streams.offered))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the type that ``Accept`` prefers. Raises ``NotAcceptable``."""
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

    async def _stream(self, type_: StreamFormat, scope: Scope, send: Send) -> None:
        reject_idempotency_key(scope)
        if scope["http_version"] in _WITHOUT_CHUNKS:
            raise BadRequest("A stream needs HTTP/1.1: in HTTP/1.0 one that fails looks complete")
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
            return  # Without the end of the body.
        await send({"type": "http.response.body", "body": b""})

    def _headers(self, page: PageContext) -> Headers:
        stream = page.stream
        coding = [] if stream.gzip is None else [(b"content-encoding", b"gzip")]
        file = f"{self._file}.{stream.format.suffix}"
        return [
            *page.headers,
            (b"content-type", stream.content_type.encode()),
            *([attachment(file)] if stream.parts is None else []),
            _VARY,
            *coding,
        ]

    async def _send(self, page: PageContext, scope: Scope, send: Send) -> bool:
        """Send the body without its end; return whether the client is still connected.

        Raises:
            Exception: Reading or writing has failed.
        """
        state, stream = RequestState.from_scope(scope), page.stream
        leaving = asyncio.ensure_future(state.left())
        size = 0

        async def send_chunk(data: bytes) -> None:
            nonlocal size
            if leaving.done():
                raise ClientClosedRequest
            if not data:
                return
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except TimeoutError as error:
                raise ClientStalled("The client reads nothing") from error
            size += len(data)

        try:
            await self._streams.send_pages(page, send_chunk)
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
    """Return the file name of a list without its suffix: the last literal segment of the path."""
    words = [word for word in path.split("/") if word and word[0] != "{"]
    return words[-1] if words else "rows"
