"""The temporary tables of one upload: its rows with their results, whole or in parts.

``statements`` reads and changes them; a database connection creates and drops them.
"""

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
"""The number of rows by status."""

MAX_FIELDS: Final = 63
"""The most fields and flags: the mask of those that a row has is a signed 64-bit integer."""

DEFAULT_PART_ROWS: Final = 10_000
"""The rows of a part; as many as an upload with an idempotency key may have."""


class StagingTable:
    """The temporary table of one upload's rows.

    ``staging[attribute]`` is the column of an attribute's uploaded values.

    Args:
        name: The name of the table.
        fields: The fields that rows may have values for.
        dialect: The dialect of the database.
        flags: The names of the flags that hooks may set for a row.

    Attributes:
        table: The table. Its columns are the five below, in this order, and one for each field.
        line: The position of the row in the body.
        status: The result: one of ``STATUSES``. Until it is known, ``created``.
        errors: The errors of a rejected row, as JSON.
        field_mask: The fields that the row has a value for and its flags, one bit each.
        id: The id of the stored row: that of the matching row, or assigned before it is written.
        fields: The fields.
    """

    def __init__(
        self, name: str, fields: Sequence[Field], dialect: Dialect, flags: Sequence[str] = ()
    ) -> None:
        self.fields = tuple(fields)
        self.dialect = dialect
        self._has_parsed_json = capabilities_of(dialect).parsed_json
        self._bits = {field: 1 << position for position, field in enumerate(self.fields)}
        self._flags = {name: 1 << len(self.fields) + place for place, name in enumerate(flags)}
        self._by_attribute = {field.attribute: field for field in self.fields}
        self.line: Column[int] = Column(
            "upload_line", Integer, primary_key=True, autoincrement=False
        )
        self.status: Column[str] = Column("upload_status", String)
        self.errors: Column[str | None] = Column("upload_errors", Text)
        self.field_mask: Column[int] = Column("upload_field_mask", BigInteger)
        self.id: Column[int | None] = Column("upload_id", BigInteger)
        self.table = Table(
            name,
            MetaData(),
            self.line,
            self.status,
            self.errors,
            self.field_mask,
            self.id,
            *(Column(f.name, _column_type(f.column.type, dialect)) for f in self.fields),
            prefixes=["TEMPORARY"],
        )

    def __getitem__(self, attribute: str) -> Column[Any]:
        """Return the column of an attribute. Raises ``KeyError`` if there is none."""
        return self.table.c[self._by_attribute[attribute].name]

    @property
    def is_matched(self) -> ColumnElement[bool]:
        """The SQL condition that a row is matched to a stored row, but not compared yet."""
        return (self.status == CREATED) & self.id.is_not(None)

    def mask_of(self, attributes: Sequence[str], flags: Sequence[str] = ()) -> int:
        """Return the field mask of a row with values for these attributes and with these flags.

        Raises:
            AttributeError: A hook has set an attribute that uploads do not write, or a flag that is
                not declared.
        """
        for name in flags:
            if name not in self._flags:
                raise AttributeError(f"{name!r} is not one of the row_flags of this upload")
        for name in attributes:
            if name not in self._by_attribute:
                raise AttributeError(f"{name!r} is not an attribute that an upload writes")
        fields = sum(self._bits[self._by_attribute[name]] for name in attributes)
        return fields + sum(self._flags[name] for name in set(flags))

    def in_mask(self, mask: int, field: Field) -> bool:
        """Return whether a field mask includes a field."""
        return bool(mask & self._bits[field])

    def contains(self, field: Field) -> ColumnElement[bool]:
        """Return the SQL condition that a row has a value for a field."""
        return self.field_mask.bitwise_and(self._bits[field]) != 0

    def has_flag(self, name: str) -> ColumnElement[bool]:
        """Return the SQL condition that a hook has set a flag for a row."""
        return self.field_mask.bitwise_and(self._flags[name]) != 0

    def value(self, field: Field) -> ColumnElement[Any]:
        """Return the SQL expression of a field's uploaded value, in the type of its column."""
        staged = self[field.attribute]
        return cast(staged, field.column.type) if self._is_parsed_json(field) else staged

    def differs(self, field: Field, stored: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the SQL condition that a row has a value unlike the stored one."""
        staged: ColumnElement[Any] = self[field.attribute]
        if self._is_parsed_json(field):  # PostgreSQL compares JSONB, but not JSON.
            staged, stored = comparable_json(staged), comparable_json(stored)
        if isinstance(storage_type(field.column.type, self.dialect), JSON):
            # JSON's null and SQL's NULL have the same output.
            null: ColumnElement[Any] = literal_column("'null'")
            null = comparable_json(null) if self._is_parsed_json(field) else null
            stored = func.nullif(stored, null)
        if field.codec.timestamp_range is not None:
            stored = longest_form(stored)
        return self.contains(field) & staged.is_distinct_from(stored)

    def equals(self, field: Field, stored: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the SQL condition that the uploaded value is the stored one."""
        staged = self[field.attribute]
        equal = compare_timestamps(field, stored, "eq", [staged])
        return stored == staged if equal is None else equal

    def _is_parsed_json(self, field: Field) -> bool:
        stored = storage_type(field.column.type, self.dialect)
        return isinstance(stored, JSON) and self._has_parsed_json


def _column_type(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return a type that takes the same driver values, without check constraints."""
    type_ = storage_type(type_, dialect)
    if isinstance(type_, Enum):
        return Enum(
            *type_.enums, name=type_.name, native_enum=type_.native_enum, length=type_.length
        )
    if isinstance(type_, JSON) and capabilities_of(dialect).parsed_json:
        return Text()  # COPY does not take JSON.
    return type_


class Parts:
    """Splits large partial uploads into parts, each with its own transaction.

    Other writers get their turn between two parts. All rows are read, and validated one by one,
    before the first part. Then the staging table becomes the backlog, and an empty staging table
    takes one part after another from it. The results are kept in a third table, which replaces the
    staging table at the end.

    Args:
        staging: The staging table.
        rows: The most rows of a part; None never splits an upload.
    """

    def __init__(self, staging: StagingTable, rows: int | None) -> None:
        self.rows = rows
        table = self._table = staging.table
        backlog = table.to_metadata(MetaData(), name="uploaded_backlog")
        columns = (staging.line, staging.status, staging.errors, staging.field_mask, staging.id)
        names = [column.name for column in columns]
        self._results = Table(
            "uploaded_results",
            MetaData(),
            *(Column(name, table.c[name].type, primary_key=name == names[0]) for name in names),
            prefixes=["TEMPORARY"],
        )
        line, status = backlog.c[staging.line.name], backlog.c[staging.status.name]
        quoted = staging.dialect.identifier_preparer.format_table

        def compiled(clause: Any) -> Statement:
            return Statement(clause, staging.dialect)

        def copy(into: Table, rows: Any) -> Statement:
            targets = [column.name for column in into.columns]
            return compiled(insert(into).from_select(targets, rows, include_defaults=False))

        def results(source: Table) -> Any:
            return select(*(source.c[name] for name in names))

        next_rows = (
            select(*backlog.columns)
            .where(status == param(0, status.type), line > param(1, Integer()))
            .order_by(line)
            .limit(param(2, Integer()))
        )
        self._take_part = copy(table, next_rows)
        self._keep_rejected = copy(
            self._results, results(backlog).where(status != literal(CREATED, String))
        )
        self._keep_part = copy(self._results, results(table))
        self._empty = compiled(delete(table))
        self._range = compiled(
            select(
                select(func.min(staging.line)).scalar_subquery(),
                select(func.max(staging.line)).scalar_subquery(),
            )
        )
        rename = "ALTER TABLE {} RENAME TO {}"
        self._set_aside = compiled(text(rename.format(quoted(table), quoted(backlog))))
        self._show_results = compiled(text(rename.format(quoted(self._results), quoted(table))))
        self._drop = compiled(text(f"DROP TABLE IF EXISTS {quoted(backlog)}"))

    @asynccontextmanager
    async def split(self, bulk: BulkConnection) -> AsyncIterator[AsyncIterator[tuple[int, int]]]:
        """Iterate over the parts; after the block, the staging table has the results of all rows.

        Yields:
            The first and the last line of each part, which the staging table then holds; its
            results are kept when the next one is requested.
        """
        await bulk.execute(self._set_aside, ())
        try:
            async with bulk.temporary(self._results):
                await bulk.execute(self._keep_rejected, ())
                async with bulk.temporary(self._table):
                    yield self._parts(bulk)
                await bulk.execute(self._show_results, ())
        finally:
            await bulk.execute(self._drop, ())

    async def _parts(self, bulk: BulkConnection) -> AsyncIterator[tuple[int, int]]:
        last = 0
        while await bulk.execute(self._take_part, (CREATED, last, self.rows)):
            ((first, last),) = await bulk.fetch_all(self._range, ())
            yield first, last
            async with bulk.transaction():
                await bulk.execute(self._keep_part, ())
                await bulk.execute(self._empty, ())
