"""The temporary table of one upload: its rows with their results.

``statements`` reads and changes them; a database connection creates and drops them.
"""

from collections.abc import Mapping, Sequence
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
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
)
from sqlalchemy.types import TypeEngine

from encore.database.capabilities import capabilities_of
from encore.database.expressions.json_text import comparable_json
from encore.database.expressions.timestamp_text import longest_form
from encore.models.fields import Field
from encore.models.types import storage_type
from encore.query.timestamps import compare_timestamps

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
REJECTED: Final = "rejected"
STATUSES: Final = (CREATED, UPDATED, UNCHANGED, REJECTED)

RENAMED: Final = "renamed"
"""Not a status of the report: the rows that are ``unchanged``, but whose key is written."""

Counts = Mapping[str, int]
"""The number of rows by status."""

_PREVIOUS: Final = "upload_previous_"

MAX_FIELDS: Final = 63
"""The most fields and flags: the mask of those that a row has is a signed 64-bit integer."""


class StagingTable:
    """The temporary table of one upload's rows.

    ``staging[attribute]`` is the column of an attribute's uploaded values.

    Args:
        name: The name of the table.
        fields: The fields that rows may have values for.
        dialect: The dialect of the database.
        flags: The names of the flags that hooks may set for a row.
        previous: Those of them that rows may have a previous value for.

    Attributes:
        table: The table. Its columns are the five below, in this order, one for each of
            ``previous``, which most statements read, and one for each field.
        line: The position of the row in the body.
        status: The result: one of ``STATUSES``. Until it is known, ``created``.
        errors: The errors of a rejected row, as JSON.
        field_mask: The fields that the row has a value for and its flags, one bit each.
        id: The id of the stored row: that of the matching row, or assigned before it is written.
        fields: The fields.
        previous: The fields with a column of previous values.
    """

    def __init__(
        self,
        name: str,
        fields: Sequence[Field],
        dialect: Dialect,
        *,
        flags: Sequence[str] = (),
        previous: Sequence[Field] = (),
    ) -> None:
        self.fields = tuple(fields)
        self.previous = tuple(previous)
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
            *(
                Column(f"{_PREVIOUS}{f.name}", _column_type(f.column.type, dialect))
                for f in self.previous
            ),
            *(Column(f.name, _column_type(f.column.type, dialect)) for f in self.fields),
            prefixes=["TEMPORARY"],
        )

    def __getitem__(self, attribute: str) -> Column[Any]:
        """Return the column of an attribute. Raises ``KeyError`` if there is none."""
        return self.table.c[self._by_attribute[attribute].name]

    def previous_column(self, field: Field) -> Column[Any]:
        """Return the column of a field's previous values."""
        return self.table.c[f"{_PREVIOUS}{field.name}"]

    @property
    def has_previous(self) -> ColumnElement[bool]:
        """The SQL condition that a row has a previous value of a field."""
        return or_(false(), *(self.previous_column(f).is_not(None) for f in self.previous))

    @property
    def is_renamed(self) -> ColumnElement[bool]:
        """The SQL condition that a row is matched by its previous key, which the upload changes.

        Rows that are matched by their own key, or not at all, lose their previous key.
        """
        return self.id.is_not(None) & (self.status != REJECTED) & self.has_previous

    @property
    def is_written(self) -> ColumnElement[bool]:
        """The SQL condition that the upload writes a row: it creates, updates or renames it."""
        written = self.status.in_((CREATED, UPDATED))
        return or_(written, self.is_renamed) if self.previous else written

    @property
    def write_step(self) -> ColumnElement[str]:
        """The SQL expression of a row's status, or ``RENAMED``."""
        if not self.previous:
            return self.status
        renamed = and_(self.status == UNCHANGED, self.is_renamed)
        return case((renamed, literal(RENAMED, String)), else_=self.status)

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

    def key_value(self, field: Field) -> ColumnElement[Any]:
        """Return the SQL expression of a field's previous value, or its uploaded one without."""
        staged = self[field.attribute]
        if field not in self.previous:
            return staged
        return func.coalesce(self.previous_column(field), staged, type_=staged.type)

    def equals(
        self, field: Field, stored: ColumnElement[Any], *, previous: bool = False
    ) -> ColumnElement[bool]:
        """Return the SQL condition that the uploaded value, or the previous, is the stored one."""
        staged = self.key_value(field) if previous else self[field.attribute]
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
