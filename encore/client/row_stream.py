"""Rows as a request's body, and lines of a response as they arrive; both in bounded memory."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Final

from encore.client.encoding import encode_json
from encore.client.errors import UsageError
from encore.client.lean_httpx import httpx

CHUNK_BYTES: Final = 65_536
"""About as much of a body is sent at once."""

Rows = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]


class RowStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Rows as NDJSON, or as a JSON array, written while they are sent.

    Args:
        rows: Mappings. Rows of a list, or of anything else that can be iterated again, can be sent
            again; those of a generator cannot.
        as_array: Whether the body is an array.

    Attributes:
        error: What the iteration of the rows has raised.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        as_array: bool,
    ) -> None:
        if isinstance(rows, Mapping | str | bytes) or not isinstance(
            rows, Iterable | AsyncIterable
        ):
            raise UsageError(f"Rows must be an iterable of mappings, not a {type(rows).__name__}.")
        self._rows = rows
        self._as_array = as_array
        self.error: Exception | None = None

    @property
    def can_be_repeated(self) -> bool:
        """Whether the rows can be sent twice."""
        return not isinstance(self._rows, Iterator | AsyncIterator)

    def __iter__(self) -> Iterator[bytes]:
        if not isinstance(self._rows, Iterable):
            raise UsageError("Rows of an asynchronous iterator need an AsyncClient.")
        encoder = _Encoder(as_array=self._as_array)
        try:
            for row in self._rows:
                if chunk := encoder.add(row):
                    yield chunk
        except Exception as error:
            self.error = error
            raise
        yield encoder.end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self._rows, Iterable):
            for chunk in self:
                yield chunk
            return
        encoder = _Encoder(as_array=self._as_array)
        try:
            async for row in self._rows:
                if chunk := encoder.add(row):
                    yield chunk
        except Exception as error:
            self.error = error
            raise
        yield encoder.end()


class ChunkStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Chunks of a body that can be iterated again, and so can be sent twice."""

    can_be_repeated = True

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def as_stream(content: Any) -> Any:
    """Return a body as a stream that can be sent twice, if its chunks can be iterated again."""
    if isinstance(content, Iterable) and not isinstance(
        content, bytes | bytearray | str | Iterator | httpx.SyncByteStream
    ):
        return ChunkStream(content)
    return content


class _Encoder:
    """Collects encoded rows into chunks."""

    def __init__(self, *, as_array: bool) -> None:
        self._separator = b"," if as_array else b"\n"
        self._end = b"]" if as_array else b""
        self._buffer = bytearray(b"[" if as_array else b"")
        self._number = 0

    def add(self, row: Mapping[str, Any]) -> bytes:
        """Add a row; return a chunk if it is large enough, otherwise nothing."""
        self._number += 1
        if not isinstance(row, Mapping):
            raise UsageError(f"Row {self._number} is a {type(row).__name__}, not a mapping.")
        if self._number > 1:
            self._buffer += self._separator
        self._buffer += encode_json(dict(row))
        if len(self._buffer) < CHUNK_BYTES:
            return b""
        chunk = bytes(self._buffer)
        self._buffer.clear()
        return chunk

    def end(self) -> bytes:
        """Return the rest."""
        return bytes(self._buffer) + self._end


class LineSplitter:
    """Splits chunks into lines, at line feeds only: a JSON text may contain other separators."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that a chunk completes, without those that are blank."""
        self._rest += chunk
        if b"\n" not in chunk:
            return []
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        return [bytes(line) for line in lines if line.strip()]

    def end(self) -> list[bytes]:
        """Return the last line, if it has no line feed."""
        rest = bytes(self._rest)
        self._rest.clear()
        return [rest] if rest.strip() else []
