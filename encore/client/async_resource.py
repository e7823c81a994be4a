"""A resource of the API for tasks: the methods of ``Resource``, to be awaited."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Any, Generic, Self, Unpack, overload

from encore.client.async_sender import AsyncSender, HasAsyncSender
from encore.client.lean_httpx import httpx
from encore.client.options import (
    BulkOptions,
    ChangeOptions,
    FilterOptions,
    ReadOptions,
    UploadOptions,
    UpsertOptions,
    WriteOptions,
)
from encore.client.pages import PageData
from encore.client.paths import encode_path
from encore.client.requests import Request
from encore.client.resource import CreateT, RowT, UpdateT
from encore.client.resource_calls import ResourceCalls
from encore.client.row_stream import LineSplitter
from encore.client.rows import check_stream, parse_line

AnyRows = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]


class AsyncPage(PageData[RowT]):
    """One page of a list, as ``Page``."""

    def __init__(self, sender: AsyncSender, response: httpx.Response, request: Request) -> None:
        super().__init__(response, request)
        self._sender = sender

    async def next(self) -> "AsyncPage[RowT] | None":
        """Return the next page; None after the last one."""
        if not self.has_next:
            return None
        request = self.next_request()
        return AsyncPage(self._sender, await self._sender.exchange(request), request)


class AsyncRowIterator(AsyncIterator[RowT]):
    """Rows as they arrive. Its connection is released at the end, or by ``async with``."""

    def __init__(self, rows: AsyncGenerator[RowT, None]) -> None:
        self._rows = rows

    async def __anext__(self) -> RowT:
        return await anext(self._rows)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Read no more."""
        await self._rows.aclose()


class AsyncResource(Generic[RowT, CreateT, UpdateT]):
    """A resource: a path of the API with rows.

    ``Resource`` says what each method does, takes and raises.

    Args:
        client: Sends the requests.
        path: The resource's path: words with slashes between them.
        segments: Further segments of the path, such as the key of a row.
    """

    def __init__(self, client: HasAsyncSender, path: str, *segments: Any) -> None:
        self._sender = client.sender
        self._calls = ResourceCalls(encode_path(path, *segments))

    @property
    def path(self) -> str:
        """The path, percent-encoded, relative to the API's URL."""
        return self._calls.path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    @overload
    async def list(
        self, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> AsyncPage[RowT]: ...

    @overload
    async def list(self, /, **parameters: Any) -> AsyncPage[RowT]: ...

    async def list(
        self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> AsyncPage[RowT]:
        """Return one page: ``list(name="x", sort="-id", count=20)``."""
        request = self._calls.list(parameters, keywords)
        return AsyncPage(self._sender, await self._sender.exchange(request), request)

    @overload
    def all(
        self, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> AsyncRowIterator[RowT]: ...

    @overload
    def all(self, /, **parameters: Any) -> AsyncRowIterator[RowT]: ...

    def all(
        self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> AsyncRowIterator[RowT]:
        """Return an iterator over the rows of all pages, each read when it is needed."""
        return AsyncRowIterator(self._all(self._calls.all(parameters, keywords)))

    @overload
    def stream(
        self, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> AsyncRowIterator[RowT]: ...

    @overload
    def stream(self, /, **parameters: Any) -> AsyncRowIterator[RowT]: ...

    def stream(
        self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> AsyncRowIterator[RowT]:
        """Return an iterator over all rows, of one response that is read as it arrives (NDJSON)."""
        return AsyncRowIterator(self._stream(self._calls.stream(parameters, keywords)))

    @overload
    async def get(
        self, key: Any, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> RowT: ...

    @overload
    async def get(self, key: Any, /, **parameters: Any) -> RowT: ...

    async def get(
        self, key: Any, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> RowT:
        """Return a row."""
        row: RowT = await self._sender.run(self._calls.get(key, parameters, keywords))
        return row

    @overload
    async def create(self, row: CreateT, /, **options: Unpack[WriteOptions]) -> RowT: ...

    @overload
    async def create(self, /, **members: Any) -> RowT: ...

    async def create(self, row: CreateT | None = None, /, **keywords: Any) -> RowT:
        """Create a row and return it as the API has stored it."""
        created: RowT = await self._sender.run(self._calls.create(row, keywords))
        return created

    @overload
    async def upsert(self, row: CreateT, /, **options: Unpack[UpsertOptions]) -> RowT: ...

    @overload
    async def upsert(self, /, **members: Any) -> RowT: ...

    async def upsert(self, row: CreateT | None = None, /, **keywords: Any) -> RowT:
        """Create a row, or change the stored one with the same unique key; return it."""
        stored: RowT = await self._sender.run(self._calls.upsert(row, keywords))
        return stored

    @overload
    async def update(
        self, key: Any, changes: UpdateT, /, **options: Unpack[ChangeOptions]
    ) -> RowT: ...

    @overload
    async def update(self, key: Any, /, **members: Any) -> RowT: ...

    async def update(self, key: Any, changes: UpdateT | None = None, /, **keywords: Any) -> RowT:
        """Change members of a row (PATCH) and return it."""
        row: RowT = await self._sender.run(self._calls.update(key, changes, keywords))
        return row

    @overload
    async def put(self, key: Any, row: UpdateT, /, **options: Unpack[ChangeOptions]) -> RowT: ...

    @overload
    async def put(self, key: Any, /, **members: Any) -> RowT: ...

    async def put(self, key: Any, row: UpdateT | None = None, /, **keywords: Any) -> RowT:
        """Send a row by PUT, which changes it, or creates it where the resource says so."""
        stored: RowT = await self._sender.run(self._calls.update(key, row, keywords, "PUT"))
        return stored

    async def delete(self, key: Any, /, **options: Unpack[ChangeOptions]) -> None:
        """Delete a row."""
        await self._sender.run(self._calls.delete(key, options))

    async def restore(self, key: Any, /, **options: Unpack[ChangeOptions]) -> RowT:
        """Restore a deleted row and return it, where the resource keeps deleted rows."""
        row: RowT = await self._sender.run(self._calls.restore(key, options))
        return row

    async def bulk_create(self, rows: AnyRows, /, **options: Unpack[BulkOptions]) -> dict[str, Any]:
        """Create a row of each mapping, in one transaction; return the report."""
        report: dict[str, Any] = await self._sender.run(self._calls.bulk_create(rows, options))
        return report

    async def bulk_update(
        self, rows: AnyRows, /, **options: Unpack[WriteOptions]
    ) -> dict[str, Any]:
        """Change the row that each mapping names by its key, in one transaction."""
        report: dict[str, Any] = await self._sender.run(self._calls.bulk_update(rows, options))
        return report

    async def upload(self, rows: AnyRows, /, **options: Unpack[UploadOptions]) -> dict[str, Any]:
        """Create or change a row of each mapping, matched by a key; return the report."""
        report: dict[str, Any] = await self._sender.run(self._calls.upload(rows, options))
        return report

    async def update_where(
        self,
        filters: Mapping[str, Any],
        changes: UpdateT,
        /,
        **options: Unpack[FilterOptions],
    ) -> dict[str, Any]:
        """Change all rows that filters match."""
        report: dict[str, Any] = await self._sender.run(
            self._calls.update_where(filters, changes, options)
        )
        return report

    async def delete_where(
        self, filters: Mapping[str, Any], /, **options: Unpack[FilterOptions]
    ) -> dict[str, Any]:
        """Delete all rows that filters match."""
        report: dict[str, Any] = await self._sender.run(self._calls.delete_where(filters, options))
        return report

    async def _all(self, request: Request) -> AsyncGenerator[RowT, None]:
        page: AsyncPage[RowT] | None = AsyncPage(
            self._sender, await self._sender.exchange(request), request
        )
        seen: set[int] = set()
        while page is not None:
            for row in page.rows:
                yield row
            page.check_progress(seen)
            page = await page.next()

    async def _stream(self, request: Request) -> AsyncGenerator[RowT, None]:
        splitter = LineSplitter()
        async with self._sender.open(request) as response:
            check_stream(response)
            async for chunk in self._sender.chunks(response):
                for line in splitter.feed(chunk):
                    yield parse_line(line, response)
            for line in splitter.end():
                yield parse_line(line, response)


UntypedAsyncResource = AsyncResource[dict[str, Any], Mapping[str, Any], Mapping[str, Any]]
"""A resource whose rows are dicts with any members."""
