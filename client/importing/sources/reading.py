"""Opens the records of a source: all pages of a URL as one stream."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.reading.records import Records
from client.importing.retries import RetryPolicy
from client.importing.sources.pages import Pages
from client.importing.sources.source import Source
from encore.client.errors import ConfigurationError


class OpenRecords:
    """The records of an open source.

    Args:
        pages: Reads it.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.file_format = pages.file_format
        self.records = Records(pages.columns, pages.rows())

    @property
    def bytes_read(self) -> int | None:
        """Bytes read so far, if known."""
        return self._pages.bytes_read

    @property
    def size(self) -> int | None:
        """Bytes of the whole source, if known."""
        return self._pages.size


@contextmanager
def open_records(
    source: Source,
    mapping: FieldMapping,
    options: ImportOptions,
    *,
    reopen: bool,
    retries: RetryPolicy | None = None,
) -> Iterator[OpenRecords]:
    """Open a source and read its records lazily.

    Args:
        source: The source.
        mapping: How it is written, and where its next page is.
        options: Its ``file_format`` overrides the format of the source.
        reopen: Whether the source may have to be opened once more.
        retries: Repeats requests of pages after the first; None: as often as ``options`` says.

    Raises:
        SourceError: The source cannot be read; raised by the rows, it has more than can be read.
        UsageError: Its format is unknown.
        ConfigurationError: The mapping has keys of requests, but the source is not a URL.
    """
    _check_request_keys(source, mapping)
    with ExitStack() as stack:
        policy = retries or RetryPolicy(options.attempts)
        yield OpenRecords(Pages(source, mapping, options, policy, stack, reopen=reopen))


def _check_request_keys(source: Source, mapping: FieldMapping) -> None:
    body = source.request.body if source.request else ""
    for key, is_missing in (
        ("[headers]", mapping.headers and dict(mapping.headers) != dict(source.headers)),
        ("body", mapping.body and not body),
    ):
        if is_missing and source.request is None:
            raise ConfigurationError(
                f"The mapping has {key}, which only a URL is requested with: {source.name} is a"
                " file or stream. Remove it from the mapping, or import from the URL."
            )
        if is_missing:
            raise ConfigurationError(
                f"The mapping has {key}, but the source was created without it: use create_source."
            )
