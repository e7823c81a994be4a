"""The temporary tables of one upload: its rows with their results, whole or in parts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Enum,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from encore.database.capabilities import capabilities_of
from encore.database.expressions.json_text import comparable_json
from encore.database.expressions.timestamp_text import longest_form
from encore.database.protocol import BulkConnection
from encore.database.statement import Statement, param
from encore.models.fields import Field
from encore.models.types import storage_type
from encore.query.timestamps import compare_timestamps

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
REJECTED: Final = "rejected"
STATUSES: Final = (CREATED, UPDATED, UNCHANGED, REJECTED)

Counts = Mapping[str, int]
"""How many rows there are of each status."""

MAX_FIELDS: Final = 63
"""The most fields of a model: which of them a row gave is one bit each of a 64-bit integer."""


class StagingTable:
    """The temporary table of one upload's rows.

    ``stage[attribute]`` is the column of what the rows say of an attribute.

    Attributes:
        table: The table; its first columns are those below, in this order.
        line: Where the row stood in the body.
        status: What becomes of the row: one of ``STATUSES``.
        errors: Why it is rejected, as the JSON of Finale's list.
        given: Which fields it gave, one bit each.
        id: The id of the stored row: found, or given to a new one before it is written.
        fields: What rows say, one column each, after those.
    """

    def __init__(self, name: str, fields: Sequence[Field], dialect: Dialect) -> None:
        self.fields = tuple(fields)
        self.dialect = dialect
        self._parsed_json = capabilities_of(dialect).parsed_json
        self._bits = {field: 1 << place for place, field in enumerate(self.fields)}
        self._names = {field.attribute: field for field in self.fields}
        self.line: Column[int] = Column(
            "upload_line", Integer, primary_key=True, autoincrement=False
        )
        self.status: Column[str] = Column("upload_status", String)
        self.errors: Column[str | None] = Column("upload_errors", Text)
        self.given: Column[int] = Column("upload_given", BigInteger)
        self.id: Column[int | None] = Column("upload_id", BigInteger)
        self.table = Table(
            name,
            MetaData(),
            self.line,
            self.status,
            self.errors,
            self.given,
            self.id,
            *(Column(f.name, _storage(f.column.type, dialect)) for f in self.fields),
            prefixes=["TEMPORARY"],
        )

    def __getitem__(self, attribute: str) -> Column[Any]:
        """Give the column of an attribute. Raises ``KeyError`` where the stage has none."""
        return self.table.c[self._names[attribute].name]

    def mask(self, attributes: Sequence[str]) -> int:
        """Give the bits of the fields that a row gave.

        Raises:
            AttributeError: A hook named an attribute that uploads do not set.
        """
        for name in attributes:
            if name not in self._names:
                raise AttributeError(f"{name!r} is no attribute that an upload sets")
        return sum(self._bits[self._names[name]] for name in attributes)

    def has(self, given: int, field: Field) -> bool:
        """Tell whether the bits of a row say that it gave this field."""
        return bool(given & self._bits[field])

    def gives(self, field: Field) -> ColumnElement[bool]:
        """Tell in SQL whether a row gave this field."""
        return self.given.bitwise_and(self._bits[field]) != 0

    def value(self, field: Field) -> ColumnElement[Any]:
        """Give what the row says of a field, as its column takes it."""
        staged = self[field.attribute]
        return cast(staged, field.column.type) if self._is_document(field) else staged

    def differs(self, field: Field, stored: ColumnElement[Any]) -> ColumnElement[bool]:
        """Tell in SQL whether the row says of a field something else than what is stored."""
        given: ColumnElement[Any] = self[field.attribute]
        if self._is_document(field):  # PostgreSQL compares JSONB, but no JSON.
            given, stored = comparable_json(given), comparable_json(stored)
        if isinstance(storage_type(field.column.type, self.dialect), JSON):
            # JSON's null and SQL's are shown alike.
            null: ColumnElement[Any] = literal_column("'null'")
            null = comparable_json(null) if self._is_document(field) else null
            stored = func.nullif(stored, null)
        if field.codec.timestamp_range is not None:
            stored = longest_form(stored)
        return self.gives(field) & given.is_distinct_from(stored)

    def same(self, field: Field, stored: ColumnElement[Any]) -> ColumnElement[bool]:
        """Tell in SQL whether the row says of a field what is stored."""
        staged = self[field.attribute]
        equal = compare_timestamps(field, stored, "eq", [staged])
        return stored == staged if equal is None else equal

    def _is_document(self, field: Field) -> bool:
        stored = storage_type(field.column.type, self.dialect)
        return isinstance(stored, JSON) and self._parsed_json


def _storage(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Choose the type that takes the same driver values; no check constraints are wanted here."""
    kind = storage_type(kind, dialect)
    if isinstance(kind, Enum):
        return Enum(*kind.enums, name=kind.name, native_enum=kind.native_enum, length=kind.length)
    if isinstance(kind, JSON) and capabilities_of(dialect).parsed_json:
        return Text()  # COPY knows no JSON.
    return kind


DEFAULT_PART_ROWS: Final = 10_000
"""How many rows are written at a time; as many as an upload with an idempotency key may have."""


class Parts:
    """The parts of one resource's partial uploads.

    Args:
        stage: Holds one part at a time.
        rows: The most rows of a part; None to write all at once, whatever their number.
    """

    def __init__(self, stage: StagingTable, rows: int | None) -> None:
        self.rows = rows
        table = self._stage = stage.table
        backlog = table.to_metadata(MetaData(), name="uploaded_backlog")
        kept = [column.name for column in (stage.line, stage.status, stage.errors, stage.given)]
        kept.append(stage.id.name)
        self._done = Table(
            "uploaded_done",
            MetaData(),
            *(Column(name, table.c[name].type, primary_key=name == kept[0]) for name in kept),
            prefixes=["TEMPORARY"],
        )
        there = backlog.c[stage.line.name]
        status = backlog.c[stage.status.name]
        name = stage.dialect.identifier_preparer.format_table

        def compiled(clause: Any) -> Statement:
            return Statement(clause, stage.dialect)

        def copying(into: Table, rows: Any) -> Statement:
            names = [column.name for column in into.columns]
            return compiled(insert(into).from_select(names, rows, include_defaults=False))

        def of_done(source: Table) -> Any:
            return select(*(source.c[name] for name in kept))

        waiting = (status == param(0, status.type), there > param(1, Integer()))
        part = select(*backlog.columns).where(*waiting).order_by(there).limit(param(2, Integer()))
        self._take = copying(table, part)
        self._pass_over = copying(
            self._done, of_done(backlog).where(status != literal(CREATED, String))
        )
        self._finish = copying(self._done, of_done(table))
        self._empty = compiled(delete(table))
        self._span = compiled(
            select(
                select(func.min(stage.line)).scalar_subquery(),
                select(func.max(stage.line)).scalar_subquery(),
            )
        )
        self._set_aside = compiled(text(f"ALTER TABLE {name(table)} RENAME TO {name(backlog)}"))
        self._show = compiled(text(f"ALTER TABLE {name(self._done)} RENAME TO {name(table)}"))
        self._drop = compiled(text(f"DROP TABLE IF EXISTS {name(backlog)}"))

    @asynccontextmanager
    async def each(self, bulk: BulkConnection) -> AsyncIterator[AsyncIterator[tuple[int, int]]]:
        """Have the parts, one after another on the stage; behind the block, what became of all.

        Yields:
            The first and the last line of each part; once the next one is asked for, what became
            of the rows of this one is kept.
        """
        await bulk.execute(self._set_aside, ())
        try:
            async with bulk.temporary(self._done):
                await bulk.execute(self._pass_over, ())
                async with bulk.temporary(self._stage):
                    yield self._spans(bulk)
                await bulk.execute(self._show, ())
        finally:
            await bulk.execute(self._drop, ())

    async def _spans(self, bulk: BulkConnection) -> AsyncIterator[tuple[int, int]]:
        last = 0
        while await bulk.execute(self._take, (CREATED, last, self.rows)):
            span = await bulk.fetch_one(self._span, ())
            assert span is not None  # noqa: S101 - it has no FROM: there is one row
            first, last = span
            yield first, last
            async with bulk.transaction():
                await bulk.execute(self._finish, ())
                await bulk.execute(self._empty, ())
