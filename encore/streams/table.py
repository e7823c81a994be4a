"""Records as rows and columns of CSV.

A column is a field, with its name in JSON. The fields of an embedded row are columns too,
``author.name``, as in filters; embedded arrays are JSON in one cell. Members that hooks add to rows
of the first page are columns after these; later pages cannot add columns, since the header is
written already.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from msgspec import UNSET

from encore.errors import HookError
from encore.models.fields import Field
from encore.serializers.records import Record, added_members, with_added_members
from encore.serializers.serializer import Serializer
from encore.serializers.stored_text import StoredText
from encore.streams.cells import Cell, cells_of, json_cell, text_cell

_END: Final = "\r\n"
_BLANK: Final = '""'
"""A row of one empty cell, which parsers would ignore as an empty line."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The columns of a stream.

    Attributes:
        serializer: The serializer of the rows.
        fields: The selected fields by attribute and relations by name; None for all.
        relations: The embedded relations; None for all.
        reworked: Whether hooks process the rows before they are written: they may add members and
            replace records by mappings.
    """

    serializer: Serializer
    fields: Collection[str] | None = None
    relations: Collection[str] | None = None
    reworked: bool = False


class Table:
    """The table of one stream.

    Attributes:
        invalid: How many stored values were invalid for their columns; their text is written.
    """

    def __init__(self, projection: Projection) -> None:
        self.invalid = 0
        self._reworked = projection.reworked
        self._columns = _Columns(projection, "", self._stored_text)
        self._has_header = False

    def write(self, rows: Sequence[Any]) -> str:
        """Return the lines of these rows, the first time after the header."""
        columns, head = self._columns, []
        if self._reworked:
            rows = columns.records_of(rows, new=not self._has_header)
        if not self._has_header:
            self._has_header = True
            head = [",".join(map(text_cell, columns.header()))]
        lines = map(",".join, zip(*columns.cells(rows), strict=True))
        return "".join([(line or _BLANK) + _END for line in chain(head, lines)])

    def _stored_text(self, value: StoredText) -> str:
        self.invalid += 1
        return text_cell(str(value))


class _Column:
    """One column: its name, the getter of its value, and the functions that write cells by type."""

    def __init__(self, name: str, value_of: Callable[[Any], Any], cells: dict[type, Cell]) -> None:
        self._name = name
        self._value_of = value_of
        self._cells = cells

    def header(self) -> Iterator[str]:
        """Yield the name."""
        yield self._name

    def cells(self, records: Sequence[Any]) -> Iterator[list[str]]:
        """Yield the cells of the column, one for each record."""
        cell_of = self._cells.get
        values = map(self._value_of, records)
        yield [cell_of(type(value), json_cell)(value) for value in values]


class _Columns:
    """The columns of the records of one serializer, including those of embedded rows."""

    def __init__(self, projection: Projection, prefix: str, stored_text: Cell) -> None:
        serializer = projection.serializer
        self._prefix = prefix
        self._stored_text = stored_text
        self._reworked = projection.reworked
        self._record = serializer.record
        self._added: dict[str, None] = {}
        fields, relations = projection.fields, projection.relations
        self._columns: list[_Column | _Embedded] = [
            self._column(field.name, attrgetter(field.attribute), field)
            for field in serializer.shown.values()
            if fields is None or field.attribute in fields
        ]
        self._embedded: list[_Embedded] = []
        counts: list[str] = []
        for name, child in serializer.children.items():
            if not all(wanted is None or name in wanted for wanted in (fields, relations)):
                continue
            if child.relation.many:
                self._columns.append(self._column(name, _many(name, reworked=projection.reworked)))
                counts.append(child.count_name)
            else:
                inner = _Columns(
                    Projection(child.serializer, reworked=projection.reworked),
                    f"{prefix}{name}.",
                    stored_text,
                )
                self._embedded.append(_Embedded(name, inner))
                self._columns.append(self._embedded[-1])
        self._columns += [self._column(name, attrgetter(name)) for name in counts]

    def _column(
        self, name: str, value_of: Callable[[Any], Any], field: Field | None = None
    ) -> _Column:
        cells = {**cells_of(field), StoredText: self._stored_text}
        return _Column(self._prefix + name, value_of, cells)

    def header(self) -> Iterator[str]:
        """Yield the names of the columns."""
        return chain.from_iterable(column.header() for column in self._columns)

    def cells(self, records: Sequence[Any]) -> Iterator[list[str]]:
        """Yield the cells of each column."""
        return chain.from_iterable(column.cells(records) for column in self._columns)

    def empty_record(self) -> Record:
        """Return a record whose cells are all empty."""
        return self._record()

    def records_of(self, rows: Sequence[Any], *, new: bool) -> list[Record]:
        """Return the records of rows that hooks have processed; add columns for new members.

        Args:
            rows: Records, or mappings that replace them.
            new: Whether new members may become columns.

        Raises:
            HookError: A row is neither, or has a member that is not a column.
        """
        records = [self._record_of(row) for row in rows]
        for name in dict.fromkeys(chain.from_iterable(map(added_members, records))):
            if name in self._added:
                continue
            if not new:
                raise HookError(
                    f"a stream of CSV cannot add the column {self._prefix}{name} after the first"
                    " page: the header is written"
                )
            self._added[name] = None
            self._columns.append(self._column(name, _added(name)))
        for embedded in self._embedded:
            embedded.replace(records, new=new)
        return records

    def _record_of(self, row: Any) -> Record:
        if isinstance(row, self._record):
            return row
        if not isinstance(row, Mapping):
            type_ = type(row).__name__
            raise HookError(f"rows of a CSV stream must be records or mappings, not {type_}")
        record = self._record()
        for name, value in row.items():
            record[name] = value
        return record


class _Embedded:
    """The columns of the row that a relation embeds."""

    def __init__(self, relation: str, columns: _Columns) -> None:
        self._relation = relation
        self._columns = columns
        self._value_of = attrgetter(relation)
        self._empty = columns.empty_record()

    def header(self) -> Iterator[str]:
        """Yield the names of the columns."""
        return self._columns.header()

    def cells(self, records: Sequence[Any]) -> Iterator[list[str]]:
        """Yield the cells of each column of the embedded rows."""
        values = map(self._value_of, records)
        rows = [self._empty if value is None or value is UNSET else value for value in values]
        return self._columns.cells(rows)

    def replace(self, records: Sequence[Record], *, new: bool) -> None:
        """Replace the embedded rows that hooks have processed by records."""
        parents = [record for record in records if self._value_of(record) not in (None, UNSET)]
        rows = self._columns.records_of([self._value_of(parent) for parent in parents], new=new)
        for record, embedded in zip(parents, rows, strict=True):
            setattr(record, self._relation, embedded)


def _many(relation: str, *, reworked: bool) -> Callable[[Any], Any]:
    value_of = attrgetter(relation)
    return (lambda record: with_added_members(value_of(record))) if reworked else value_of


def _added(name: str) -> Callable[[Any], Any]:
    return lambda record: record.__dict__.get(name)
