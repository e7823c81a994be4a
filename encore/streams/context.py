"""The context of one page of a stream, and the state that all its pages share."""

from copy import copy
from dataclasses import dataclass, field
from typing import Final

from encore.execution.context import Context
from encore.execution.unit_of_work import UnitOfWork
from encore.http.compression import GzipEncoder
from encore.pages.page import BEGINNING, KeysetPosition
from encore.streams.formats import RowWriter, StreamFormat
from encore.streams.parts import MEDIA_TYPE, PartEncoder

FIRST_ROWS: Final = 200
"""How many rows the first page has."""

MAX_ROWS: Final = 20_000
PAGE_BYTES: Final = 256 * 1024
"""The target size of a page in bytes, before compression; larger pages are not faster."""

_GROWTH: Final = 5


class PageSize:
    """The size of the pages of one stream: the wider the rows, the fewer of them are in memory.

    Attributes:
        rows: How many rows the next page has.
    """

    def __init__(self) -> None:
        self.rows = FIRST_ROWS

    def adapt(self, rows: int, size: int) -> None:
        """Set the size of the next page from a page of ``rows`` rows (not 0) and ``size`` bytes."""
        fitting = PAGE_BYTES * rows // max(size, 1)
        self.rows = max(1, min(fitting, rows * _GROWTH, MAX_ROWS))


@dataclass(slots=True)
class Stream:
    """The state of one stream.

    Attributes:
        format: The format of the rows.
        gzip: Compresses the body; None without compression.
        parts: Encodes the body as parts; None without parts.
        writer: Writes the rows; None before the first page.
        begun: Whether the position is set.
        position: The position after the last row that was read.
        passed: How many rows come before the first row of the stream.
        size: The size of the next page.
        rows: How many rows have been read.
        ended: Whether the last page has been read.
    """

    format: StreamFormat
    gzip: GzipEncoder | None = None
    parts: PartEncoder | None = None
    writer: RowWriter | None = None
    begun: bool = False
    position: KeysetPosition = BEGINNING
    passed: int = 0
    size: PageSize = field(default_factory=PageSize)
    rows: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        if self.format.in_parts:
            self.parts = PartEncoder(self.format.content_type)

    @property
    def content_type(self) -> str:
        """The content type of the body."""
        if self.parts is None:
            return self.format.content_type
        return f'{MEDIA_TYPE}; type="{self.format.media_type}"; boundary={self.parts.boundary}'

    def encode(self, data: bytes) -> bytes:
        """Return the encoded bytes of the next chunk of the body; may be empty."""
        return data if self.gzip is None else self.gzip.compress(data)

    def finish(self) -> bytes:
        """Return the encoded bytes after the last chunk; may be empty."""
        end = b"" if self.parts is None else self.parts.finish()
        return end if self.gzip is None else self.gzip.compress(end) + self.gzip.finish()


@dataclass(slots=True)
class PageContext(Context):
    """The context of a page: hooks of ``fetch`` to ``send`` run for each page, on its rows.

    Attributes that hooks of ``start`` and ``auth`` set are copied to every page; those that later
    hooks set are of their page only. All pages share ``options``.

    Attributes:
        stream: The state that the pages share.
        request: The context after parsing, which is copied for every page; None before that.
        written: Whether ``body`` has the rows of the page.
    """

    stream: Stream = field(kw_only=True)
    request: "PageContext | None" = None
    written: bool = False

    def following(self, unit: UnitOfWork) -> "PageContext":
        """Return the context with which the run of the next page begins."""
        request = self.request or self
        page = copy(request)
        page.request = request
        page.unit = unit
        page.headers = [*request.headers]
        page.added_criteria = copy(request.added_criteria)
        return page

    def take_body(self) -> bytes:
        """Return the bytes of the page, and release its rows unless it is the last page."""
        body = self.body
        if not self.stream.ended:
            self.body, self.rows, self.instance = b"", (), None
        return body
