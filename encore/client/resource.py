"""A resource of the API, as ``client.parts``: its rows are read and written by methods."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar, Unpack, overload

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
from encore.client.resource_calls import ResourceCalls
from encore.client.row_stream import LineSplitter
from encore.client.rows import check_stream, parse_line
from encore.client.sender import HasSender, Sender

RowT = TypeVar("RowT")
CreateT = TypeVar("CreateT", bound=Mapping[str, Any])
UpdateT = TypeVar("UpdateT", bound=Mapping[str, Any])


class Page(PageData[RowT]):
    """One page of a list. ``has_next`` and ``total`` say whether and what it lacks.

    ``page.next()`` is the next page; ``client.parts.all()`` reads the rows of all pages.
    """

    def __init__(self, sender: Sender, request: Request) -> None:
        super().__init__(sender.exchange(request), request)
        self._sender = sender

    def next(self) -> "Page[RowT] | None":
        """Return the next page; None after the last one.

        Raises:
            UnexpectedResponseError: There are more rows, but the API links to none of them.
            ClientError: See ``encore.client.errors``.
        """
        return Page(self._sender, self.next_request()) if self.has_next else None


class RowIterator(Iterator[RowT]):
    """Rows as they arrive. Its connection is released at the end, or by ``close`` or ``with``."""

    def __init__(self, rows: Generator[RowT, None, None]) -> None:
        self._rows = rows

    def __next__(self) -> RowT:
        return next(self._rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Read no more."""
        self._rows.close()


class Resource(Generic[RowT, CreateT, UpdateT]):
    """A resource: a path of the API with rows.

    Methods take their content, a row or filters, as a mapping or as keywords. Beside a mapping
    keywords are options; without one all keywords are content:
    ``update(1, {"name": "x"}, if_match=row)``, ``update(1, name="x")``. All raise ``ClientError``,
    see ``encore.client.errors``.

    Args:
        client: Sends the requests.
        path: The resource's path: words with slashes between them.
        segments: Further segments of the path, such as the key of a row.
    """

    def __init__(self, client: HasSender, path: str, *segments: Any) -> None:
        self._sender = client.sender
        self._calls = ResourceCalls(encode_path(path, *segments))

    @property
    def path(self) -> str:
        """The path, percent-encoded, relative to the API's URL."""
        return self._calls.path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    @overload
    def list(
        self, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> Page[RowT]: ...

    @overload
    def list(self, /, **parameters: Any) -> Page[RowT]: ...

    def list(self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any) -> Page[RowT]:
        """Return one page: ``list(name="x", sort="-id", count=20)``.

        Args:
            parameters: Filters, ``sort``, ``count`` and the other parameters of the list, by name:
                ``{"author.name__startswith": "Urs"}``. None is null, a list is one of its values.
            keywords: The same as keywords (``or_`` for ``or``); beside a mapping, options.
        """
        return Page(self._sender, self._calls.list(parameters, keywords))

    @overload
    def all(
        self, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> RowIterator[RowT]: ...

    @overload
    def all(self, /, **parameters: Any) -> RowIterator[RowT]: ...

    def all(
        self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> RowIterator[RowT]:
        """Return an iterator over the rows of all pages, each read when it is needed.

        Args:
            parameters: As for ``list``; ``count`` is the size of a page.
            keywords: As for ``list``.
        """
        return RowIterator(self._all(self._calls.all(parameters, keywords)))

    @overload
    def stream(
        self, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> RowIterator[RowT]: ...

    @overload
    def stream(self, /, **parameters: Any) -> RowIterator[RowT]: ...

    def stream(
        self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> RowIterator[RowT]:
        """Return an iterator over all rows, of one response that is read as it arrives (NDJSON).

        Args:
            parameters: As for ``list``; a stream has no ``count``, ``offset`` and ``page``.
            keywords: As for ``list``.
        """
        return RowIterator(self._stream(self._calls.stream(parameters, keywords)))

    @overload
    def get(
        self, key: Any, parameters: Mapping[str, Any], /, **options: Unpack[ReadOptions]
    ) -> RowT: ...

    @overload
    def get(self, key: Any, /, **parameters: Any) -> RowT: ...

    def get(
        self, key: Any, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> RowT:
        """Return a row.

        Args:
            key: Its key; a tuple if it has several members.
            parameters: ``fields``, ``children``, ``as_of`` and so on.
            keywords: The same as keywords; beside a mapping, options.

        Raises:
            NotFound: There is no such row.
        """
        row: RowT = self._sender.run(self._calls.get(key, parameters, keywords))
        return row

    @overload
    def create(self, row: CreateT, /, **options: Unpack[WriteOptions]) -> RowT: ...

    @overload
    def create(self, /, **members: Any) -> RowT: ...

    def create(self, row: CreateT | None = None, /, **keywords: Any) -> RowT:
        """Create a row and return it as the API has stored it.

        Args:
            row: Its members.
            keywords: Its members; beside a mapping, options.

        Raises:
            BadRequest: ``errors`` says which members are invalid.
            Conflict: Another row has this key.
        """
        created: RowT = self._sender.run(self._calls.create(row, keywords))
        return created

    @overload
    def upsert(self, row: CreateT, /, **options: Unpack[UpsertOptions]) -> RowT: ...

    @overload
    def upsert(self, /, **members: Any) -> RowT: ...

    def upsert(self, row: CreateT | None = None, /, **keywords: Any) -> RowT:
        """Create a row, or change the stored one with the same unique key; return it.

        Args:
            row: Its members.
            keywords: Its members; beside a mapping, options.
        """
        stored: RowT = self._sender.run(self._calls.upsert(row, keywords))
        return stored

    @overload
    def update(self, key: Any, changes: UpdateT, /, **options: Unpack[ChangeOptions]) -> RowT: ...

    @overload
    def update(self, key: Any, /, **members: Any) -> RowT: ...

    def update(self, key: Any, changes: UpdateT | None = None, /, **keywords: Any) -> RowT:
        """Change members of a row (PATCH) and return it.

        Args:
            key: Its key; a tuple if it has several members.
            changes: The members to change.
            keywords: The members to change; beside a mapping, options.

        Raises:
            PreconditionFailed: The row is not the one of ``if_match`` any more.
        """
        row: RowT = self._sender.run(self._calls.update(key, changes, keywords))
        return row

    @overload
    def put(self, key: Any, row: UpdateT, /, **options: Unpack[ChangeOptions]) -> RowT: ...

    @overload
    def put(self, key: Any, /, **members: Any) -> RowT: ...

    def put(self, key: Any, row: UpdateT | None = None, /, **keywords: Any) -> RowT:
        """Send a row by PUT, which changes it, or creates it where the resource says so.

        Args:
            key: Its key; a tuple if it has several members.
            row: Its members.
            keywords: Its members; beside a mapping, options.
        """
        stored: RowT = self._sender.run(self._calls.update(key, row, keywords, "PUT"))
        return stored

    def delete(self, key: Any, /, **options: Unpack[ChangeOptions]) -> None:
        """Delete a row.

        Raises:
            NotFound: There is no such row.
        """
        self._sender.run(self._calls.delete(key, options))

    def restore(self, key: Any, /, **options: Unpack[ChangeOptions]) -> RowT:
        """Restore a deleted row and return it, where the resource keeps deleted rows."""
        row: RowT = self._sender.run(self._calls.restore(key, options))
        return row

    def bulk_create(
        self, rows: Iterable[Mapping[str, Any]], /, **options: Unpack[BulkOptions]
    ) -> dict[str, Any]:
        """Create a row of each mapping, in one transaction; return the report.

        Args:
            rows: May be a generator: rows are sent as they come. The API says how many a request
                may have (10,000 by default); ``upload`` takes any number.
            options: As ``BulkOptions`` says.

        Raises:
            ApiRejectedError: A row was rejected, and nothing was written; ``problem["rows"]`` says
                which.
        """
        report: dict[str, Any] = self._sender.run(self._calls.bulk_create(rows, options))
        return report

    def bulk_update(
        self, rows: Iterable[Mapping[str, Any]], /, **options: Unpack[WriteOptions]
    ) -> dict[str, Any]:
        """Change the row that each mapping names by its key, in one transaction."""
        report: dict[str, Any] = self._sender.run(self._calls.bulk_update(rows, options))
        return report

    def upload(
        self, rows: Iterable[Mapping[str, Any]], /, **options: Unpack[UploadOptions]
    ) -> dict[str, Any]:
        """Create or change a row of each mapping, matched by a key; return the report.

        Args:
            rows: Any number; may be a generator, whose rows are sent as they come.
            options: As ``UploadOptions`` says. The report lists rejected rows only, by default.
        """
        report: dict[str, Any] = self._sender.run(self._calls.upload(rows, options))
        return report

    def update_where(
        self,
        filters: Mapping[str, Any],
        changes: UpdateT,
        /,
        **options: Unpack[FilterOptions],
    ) -> dict[str, Any]:
        """Change all rows that filters match.

        ``client.parts.update_where({"color": "red"}, {"color": "blue"})``

        Raises:
            Conflict: More rows match than ``max_affected``; nothing was changed.
        """
        report: dict[str, Any] = self._sender.run(
            self._calls.update_where(filters, changes, options)
        )
        return report

    def delete_where(
        self, filters: Mapping[str, Any], /, **options: Unpack[FilterOptions]
    ) -> dict[str, Any]:
        """Delete all rows that filters match.

        Raises:
            Conflict: More rows match than ``max_affected``; nothing was deleted.
        """
        report: dict[str, Any] = self._sender.run(self._calls.delete_where(filters, options))
        return report

    def _all(self, request: Request) -> Generator[RowT, None, None]:
        page: Page[RowT] | None = Page(self._sender, request)
        seen: set[int] = set()
        while page is not None:
            yield from page.rows
            page.check_progress(seen)
            page = page.next()

    def _stream(self, request: Request) -> Generator[RowT, None, None]:
        splitter = LineSplitter()
        with self._sender.open(request) as response:
            check_stream(response)
            for chunk in self._sender.chunks(response):
                for line in splitter.feed(chunk):
                    yield parse_line(line, response)
            for line in splitter.end():
                yield parse_line(line, response)


UntypedResource = Resource[dict[str, Any], Mapping[str, Any], Mapping[str, Any]]
"""A resource whose rows are dicts with any members."""
