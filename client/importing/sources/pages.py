"""Reads a source page after page, as one stream of records.

The first page is streamed, whatever its length. Each following page is read whole before its first
row is yielded, so that its request can be repeated; its rows have the page's number.
"""

import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Final

from client.errors import SourceError, SourceUnavailableError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.layout_checks import check_format
from client.importing.options import ImportOptions
from client.importing.reading.records import Record, Records, read_records
from client.importing.reading.text import decode_text
from client.importing.retries import RetryPolicy
from client.importing.sources.completeness import (
    check_complete,
    check_response,
    check_unchanged,
    has_all_rows,
)
from client.importing.sources.elements import ElementCheck
from client.importing.sources.file_formats import choose_format
from client.importing.sources.paging import Page, create_paging
from client.importing.sources.repeated import RepeatedPageCheck, repeated_page
from client.importing.sources.request import PageRequest
from client.importing.sources.source import OpenSource, Source
from encore.client.errors import ClientError

_MAX_MEMORY: Final = 1 << 20
"""Bytes of a page; a longer one is kept in a temporary file, which only its owner can open."""
_BEYOND_LAST: Final = frozenset({400, 404, 410, 416, 422})
"""Statuses with which some systems respond to a request for the page after the last."""


class Pages:
    """An open source, page after page.

    Args:
        source: The source.
        mapping: How it is written, and where its next page is.
        options: Its ``file_format`` overrides the format of the source.
        retries: Repeats the requests of pages after the first.
        stack: Closes the first page.
        reopen: Whether the source may have to be opened once more.

    Raises:
        SourceError: The first page cannot be read.
        UsageError: Its format is unknown.
        ConfigurationError: A key of the mapping has no effect on its format.
    """

    def __init__(
        self,
        source: Source,
        mapping: FieldMapping,
        options: ImportOptions,
        retries: RetryPolicy,
        stack: ExitStack,
        *,
        reopen: bool,
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._options = options
        self._retries = retries
        self._paging = create_paging(mapping)
        self._repeated = RepeatedPageCheck()
        self._elements = ElementCheck(mapping)
        self._request = source.request and self._paging.first(source.request)
        self._first = stack.enter_context(source.open(reopen=reopen, request=self._request))
        self.file_format = self._format_of(self._first)
        self._records = stack.enter_context(self._read(self._first))
        self.columns = self._records.columns

    @property
    def bytes_read(self) -> int | None:
        """Bytes of the first page read so far, if known."""
        try:
            return self._first.content.tell()
        except (OSError, ValueError):
            return None

    @property
    def size(self) -> int | None:
        """Bytes of the whole source, if known: not with other pages."""
        paged = self._request and (self._paging.is_configured or "link" in self._first.headers)
        return None if paged else self._first.size

    def rows(self) -> Iterator[Record]:
        """Yield the rows of all pages.

        Raises:
            SourceError: A page cannot be read, or the source has more than can be requested.
        """
        start = Page(self._request or PageRequest(""), headers=self._first.headers)
        check_response(start, self._mapping, self._paging)
        page = last = yield from self._rows_of(self._records, start)
        seen = {start.request.digest}
        while not page.is_file and (request := self._paging.next(page)) is not None:
            if request.digest in seen:
                raise SourceError(
                    f"Page {page.number} of the source names as the next page one that was read"
                    " before: the pages would never end."
                )
            seen.add(request.digest)
            opened = self._fetch(request, page)
            if opened is None:
                break
            following = page._replace(
                request=request, headers=opened.headers, number=page.number + 1
            )
            with closing(opened.content), self._read_page(opened, following.number) as records:
                page = yield from self._rows_of(records, following)
            if page.rows:
                if self._paging.ends_by_rows:
                    check_unchanged(page, last, self._mapping)
                last = page
        for checked in {last.number: last, page.number: page}.values():
            check_complete(checked, self._mapping, self._paging)

    def _rows_of(self, records: Records, page: Page) -> Generator[Record, None, Page]:
        """Yield the rows of a page; return it with its number of rows."""
        rows: Iterable[Record] = records.rows
        if self._paging.compares_pages:
            rows = self._repeated.check(rows)
        if page.number > 1:
            rows = (record._replace(page=page.number) for record in rows)
        # A line of CSV with several days, or of NDJSON with several rows, is one of the source.
        count, line = 0, 0
        self._elements.start_page()
        with _errors_of_page(page.number):
            for record in rows:
                if record.line != line and not record.skipped:
                    count, line = count + 1, record.line
                yield record
            if self._paging.compares_pages and not count and self._elements.repeats_page:
                raise repeated_page()
        # What the source counts: elements of an array in which the rows are.
        count = self._elements.count or count
        position = page.position + count
        return page._replace(envelope=records.envelope, rows=count, position=position)

    def _fetch(self, request: PageRequest, before: Page) -> OpenSource | None:
        """Request a page and read it whole, as often as necessary.

        Args:
            request: The page's.
            before: The page before, which may turn out to be the last.

        Returns:
            The page, or None if there is none.

        Raises:
            SourceError: It cannot be read.
        """
        try:
            return self._retries.call(lambda: self._copy(request), _is_unavailable)
        except SourceError as error:
            ended = self._paging.ends_by_rows and error.status in _BEYOND_LAST
            if ended and has_all_rows(before, self._mapping):
                return None
            # Not SourceUnavailableError: it was tried often enough.
            raise SourceError(f"Page {before.number + 1}: {error}", error.status) from error

    def _copy(self, request: PageRequest) -> OpenSource:
        """Request a page and read it whole, into memory or a temporary file."""
        with self._source.open(reopen=False, request=request) as opened, ExitStack() as stack:
            copy = stack.enter_context(tempfile.SpooledTemporaryFile(_MAX_MEMORY))
            shutil.copyfileobj(opened.content, copy)
            copy.seek(0)
            stack.pop_all()
            return opened._replace(content=copy)

    @contextmanager
    def _read_page(self, opened: OpenSource, number: int) -> Iterator[Records]:
        """Read the records of a page after the first.

        Raises:
            SourceError: It has another format or other columns than the first page.
        """
        with ExitStack() as stack:
            with _errors_of_page(number):
                if self._paging.ends_by_rows and not opened.content.read(1):
                    records = Records(self.columns, iter(()))
                else:
                    opened.content.seek(0)
                    records = stack.enter_context(self._read_same(opened))
            yield records

    @contextmanager
    def _read_same(self, opened: OpenSource) -> Iterator[Records]:
        """Read records like those of the first page."""
        known = self._mapping.format or self._options.file_format or opened.file_format
        if not known or self._format_of(opened) != self.file_format:
            raise SourceError(
                f"it is {opened.headers.get('content-type', 'of an unknown format')}, but the first"
                f" page is {self.file_format}."
            )
        with self._read(opened) as records:
            if records.columns != self.columns:
                raise SourceError("it has other columns than the first page.")
            yield records

    @contextmanager
    def _read(self, opened: OpenSource) -> Iterator[Records]:
        with decode_text(opened.content, self._mapping.encoding, opened.charset) as stream:
            yield read_records(stream, self.file_format, self._mapping, self._elements)

    def _format_of(self, opened: OpenSource) -> str:
        file_format = choose_format(
            self._mapping.format,
            self._options.file_format,
            opened.file_format,
            self._mapping.source or self._source.name,
        )
        check_format(self._mapping, file_format)
        return file_format


@contextmanager
def _errors_of_page(number: int) -> Iterator[None]:
    """Precede errors with the number of the page, except of the first."""
    try:
        yield
    except SourceError as error:
        if number == 1:
            raise
        raise SourceError(f"Page {number}: {error}") from error


def _is_unavailable(error: ClientError) -> bool:
    return isinstance(error, SourceUnavailableError)
