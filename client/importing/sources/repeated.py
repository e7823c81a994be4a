"""Recognises a page that repeats the last one: the source ignored the parameter of the page."""

from array import array
from collections.abc import Iterable, Iterator

from client.errors import SourceError
from client.importing.reading.records import Record


class RepeatedPageCheck:
    """Compares the rows of each page with those of the page before.

    Only a hash of each row of one page is kept. Rows that are equal from the start of a page are
    held back until one differs, so that a repeated page is never sent.
    """

    def __init__(self) -> None:
        self._last = array("q")

    def check(self, rows: Iterable[Record]) -> Iterator[Record]:
        """Yield the rows of the next page.

        Raises:
            SourceError: They are the rows of the page before.
        """
        last, self._last = self._last, array("q")
        held: list[Record] | None = []
        for position, record in enumerate(rows):
            raw = record.raw if isinstance(record.raw, str) else tuple(record.raw)
            self._last.append(hash(raw))
            if held is None:
                yield record
            elif position < len(last) and last[position] == self._last[position]:
                held.append(record)
            else:
                yield from held
                held = None
                yield record
        if held and len(held) == len(last):
            raise repeated_page()
        yield from held or ()


def repeated_page() -> SourceError:
    """Return the error for a page that repeats the one before."""
    return SourceError(
        "it has the same rows as the page before, so the source ignores the parameter that the"
        " mapping names."
    )
