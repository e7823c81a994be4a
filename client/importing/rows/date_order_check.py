"""Checks the order of day and month while records are read, before they are mapped.

Records are held back until the order is confirmed, so that a file that is read in the wrong order
is refused before its first row is sent. In almost every file one of the first rows confirms it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from client.errors import SourceError
from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record
from client.importing.rows.date_order import DateExample, DateOrder, create_date_orders
from client.importing.rows.extracts import compile_extract
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import Row, compile_selector
from encore.client.errors import ClientError, ConfigurationError

MAX_HELD: Final = 10_000
"""Records that are held back at most."""

MAX_HELD_CHARACTERS: Final = 8_000_000
OBSERVED: Final = 16
"""Of the records after those, one of so many is checked: they have many of the same day."""


class DateOrderCheck:
    """Checks the dates of one reading of a source.

    Args:
        mapping: Its date formats are checked.
        columns: Those of CSV; empty for JSON.
        warn: Receives a message about dates that are probably read in the wrong order.
        refuse: Whether a certainly wrong order ends the import; otherwise it is a warning.

    Attributes:
        is_contradicted: Whether the order is certainly wrong.
    """

    def __init__(
        self,
        mapping: FieldMapping,
        columns: Sequence[str],
        warn: Callable[[str], None],
        *,
        refuse: bool,
    ) -> None:
        self.is_contradicted = False
        self._warn = warn
        self._refuse = refuse
        self._orders: list[DateOrder] = []
        self._select = _compile_selector(mapping, columns)
        if self._select is not None:
            self._orders = create_date_orders(mapping.date_formats)
            self._warn_of_both_orders()
        if mapping.day_columns:
            self._check_day_columns(mapping.day_columns, columns)

    def watch(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield all records; hold the first ones back until they are checked.

        Raises:
            ConfigurationError: The order is certainly wrong, and the check refuses that.
        """
        return self._watch(records) if self._orders else records

    def _watch(self, records: Iterator[Record]) -> Iterator[Record]:
        held: list[Record] = []
        try:
            is_complete = self._hold(records, held)
        except ClientError:
            if not self.is_contradicted:
                yield from held
            raise
        if is_complete:
            self._finish()
        yield from held
        held.clear()
        if not is_complete:
            yield from self._watch_rest(records)

    def _hold(self, records: Iterator[Record], held: list[Record]) -> bool:
        """Hold records back until their dates confirm the order; return whether those are all."""
        characters = 0
        for record in records:
            self._observe(record)
            held.append(record)
            characters += sum(map(len, record.raw))
            is_full = len(held) >= MAX_HELD or characters >= MAX_HELD_CHARACTERS
            if is_full or not self._orders:
                return False
        return True

    def _watch_rest(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records after those that were held; check some until the order is confirmed."""
        for number, record in enumerate(records):
            if number % OBSERVED == 0:
                self._observe(record)
            yield record
            if not self._orders:
                break
        self._finish()
        yield from records

    def _observe(self, record: Record) -> None:
        if self._select is None or (text := self._select(record.values)) is None:
            return
        example = DateExample(text, f"line {record.line}")
        for order in self._orders:
            if order.observe(example):
                break
        if reason := next((o.contradiction for o in self._orders if o.contradiction), ""):
            self._report(reason)
        elif any(order.is_confirmed for order in self._orders):
            self._orders.clear()

    def _finish(self) -> None:
        for order in self._orders:
            if doubt := order.doubt:
                self._warn(doubt)
                return

    def _check_day_columns(self, format_: str, columns: Sequence[str]) -> None:
        """Check the days that are names of columns."""
        for order in create_date_orders([format_], "day_columns"):
            for name in columns:
                order.observe(DateExample(name, "a column"))
            if order.contradiction:
                self._report(order.contradiction)
            elif order.doubt:
                self._warn(order.doubt)

    def _report(self, reason: str) -> None:
        self.is_contradicted = True
        self._orders.clear()
        if self._refuse:
            raise ConfigurationError(reason)
        self._warn(f"{reason} An import refuses that.")

    def _warn_of_both_orders(self) -> None:
        formats = [order.format for order in self._orders]
        for order in self._orders:
            if order.exchanged in formats[formats.index(order.format) :]:
                self._warn(
                    f"date_format contains both {order.format!r} and {order.exchanged!r}: a date"
                    " that is valid in both is read in the first."
                )


def _compile_selector(
    mapping: FieldMapping, columns: Sequence[str]
) -> Callable[[Row], str | None] | None:
    """Return the function that selects the text of a row's date; None if no field has one."""
    texts = mapping.columns
    kinds = mapping.target.kinds
    dates = (name for name, kind in kinds.items() if kind in {"timestamp", "date"})
    field = next((name for name in dates if name in texts), None)
    if field is None or mapping.day_columns:
        return None
    try:
        select = compile_selector(parse_expression(texts[field]), columns)
    except SourceError:
        return None  # The row mapper reports that.
    regex = mapping.extract.get(field)
    extract = compile_extract(field, regex) if regex else None

    def select_text(row: Row) -> str | None:
        try:
            value = select(row)
            value = extract(value) if extract is not None else value
        except (RowError, ValueError, LookupError):
            return None
        return value if isinstance(value, str) else None

    return select_text
