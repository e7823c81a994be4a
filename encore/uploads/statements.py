"""The statements of an upload over its stage, each built by SQLAlchemy and compiled once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    ForeignKeyConstraint,
    Integer,
    String,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql import ClauseElement

from encore.database.capabilities import capabilities_of
from encore.database.expressions.json_text import json_array_text
from encore.database.expressions.numbering import highest_numbers, insert_generated, next_number
from encore.database.statement import Statement, param
from encore.models.defaults import sql_default
from encore.models.fields import Field
from encore.models.mapped_class import MappedClass
from encore.uploads.staging_table import CREATED, REJECTED, UNCHANGED, UPDATED, StagingTable


class UploadStatements:
    """Builds and keeps what an upload runs.

    Args:
        stage: Holds the rows.
        natural_key: The fields by which a stored row is known again.
        key: The primary key's one field, numbered by the database.
        moments: The fields that all rows of one upload get the same value for.
        refreshed: Those of them that a changed row gets anew.
        changeable: The fields that an upload may change of a stored row.
        mapped: The class whose rows they are.
        dialect: What to compile for.

    Attributes:
        whole: Writes all rows of a status.
        part: Writes those from one line to another; these two values come last.
        changes: Whether an upload may change anything of a stored row.
        kept: The attributes that a stored row keeps.
    """

    def __init__(
        self,
        stage: StagingTable,
        *,
        natural_key: Sequence[Field],
        key: Field,
        moments: Sequence[Field],
        refreshed: Sequence[Field],
        changeable: Sequence[Field],
        mapped: MappedClass,
        dialect: Dialect,
    ) -> None:
        self.stage = self._stage = stage
        self.key = key
        self.kept = frozenset(f.attribute for f in stage.fields if f not in changeable)
        self._natural_key = natural_key
        self._key = key
        self._moments = moments
        self._refreshed = refreshed
        self._changeable = changeable
        self.dialect = dialect
        self._sequences = capabilities_of(dialect).identity_sequences
        self._table = key.column.table
        self._mapped = mapped
        self.repeated = self._compile(self._repeated())
        self.dangling = [self._compile(one) for one in self._dangling()]
        self.known = self._compile(self._known())
        self.numbered = self._compile(self._numbered())
        self.highest = [self._compile(one) for one in self._highest()]
        self.changes = bool(changeable)
        self.whole: dict[str, Statement] = {}
        self.part: dict[str, Statement] = {}
        if len(mapped.tables) == 1:  # Else sessions write them.
            self._compile_writes()
        self.refused = self._compile(self._refused())
        self.staged = self._compile(self._staged())
        self.count_of = self._compile(self._count_of())
        self.lines = self._compile(self._lines())
        self.counts = self._compile(self._counts())
        self.report = self._compile(self._report())
        self.rejected = self._compile(self._report(stage.status == REJECTED))

    def _compile_writes(self) -> None:
        self.whole[CREATED] = self._compile(self._created())
        self.part[CREATED] = self._compile(self._created(in_part=True))
        if self.changes:
            self.whole[UPDATED] = self._compile(self._updated())
            self.part[UPDATED] = self._compile(self._updated(in_part=True))

    def _compile(self, clause: ClauseElement) -> Statement:
        return Statement(clause, self.dialect)

    def rejecting(
        self, condition: ColumnElement[bool], field: str, message: str | ColumnElement[str]
    ) -> ClauseElement:
        """Reject the rows, not rejected yet, for which the condition holds.

        Args:
            condition: In terms of the stage and, maybe, other tables.
            field: What is wrong.
            message: The whole text, or an expression that gives it.
        """
        stage = self._stage
        text = literal(message, Text) if isinstance(message, str) else cast(message, Text)
        return (
            update(stage.table)
            .values({stage.status: REJECTED, stage.errors: self._errors(field, text)})
            .where(stage.status != REJECTED, condition)
        )

    def _errors(self, field: str, message: ColumnElement[str]) -> ColumnElement[str]:
        """Write Finale's list of one error as JSON, in SQL."""
        error = {"field": literal(field, Text), "message": message}
        return json_array_text([error], self.dialect)

    def _repeated(self) -> ClauseElement:
        """Reject rows with the natural key of an earlier one. No values."""
        stage = self._stage
        keys = [stage[field.attribute] for field in self._natural_key]
        first = func.min(stage.line).over(partition_by=keys)
        there = (key.is_not(None) for key in keys)
        earlier = (
            select(stage.line.label("line"), first.label("first"))
            .where(stage.status == CREATED, *there)
            .subquery()
        )
        same = and_(earlier.c.line == stage.line, earlier.c.first < stage.line)
        names = " and ".join(field.name for field in self._natural_key)
        text = literal(f"{names} are those of line ", Text) + cast(earlier.c.first, String)
        return self.rejecting(same, self._natural_key[-1].name, text)

    def _dangling(self) -> Iterator[ClauseElement]:
        """Reject rows that refer to none: one statement a foreign key. No values."""
        staged = {field.column: field for field in self._stage.fields}
        for key in self._foreign_keys():
            fields = [staged[column] for column in key.columns if column in staged]
            if len(fields) == len(key.columns):
                missing = self._refers_to_none(key, fields)
                text = f"{fields[0].name} refers to no such row"
                yield self.rejecting(missing, fields[0].name, text)

    def _foreign_keys(self) -> list[ForeignKeyConstraint]:
        """Give the table's foreign keys, always in the same order."""
        return sorted(self._table.foreign_key_constraints, key=lambda one: str(one.column_keys))

    def _refers_to_none(
        self, key: ForeignKeyConstraint, fields: Sequence[Field]
    ) -> ColumnElement[bool]:
        own = [self._stage[field.attribute] for field in fields]
        remote = key.referred_table.alias()
        pairs = zip(own, key.elements, strict=True)
        same = [remote.c[element.column.name] == column for column, element in pairs]
        there = [column.is_not(None) for column in own]
        return and_(*there, ~exists(select(literal(1)).select_from(remote).where(*same)))

    def _known(self) -> ClauseElement:
        """Find the stored rows by their natural keys, and tell which would change. No values."""
        stage = self._stage
        stored, criteria = self._stored_columns()
        changes = (stage.differs(field, stored[field]) for field in self._changeable)
        same = (stage.same(field, stored[field]) for field in self._natural_key)
        status = case((or_(false(), *changes), UPDATED), else_=UNCHANGED)
        return (
            update(stage.table)
            .values({stage.id: stored[self._key], stage.status: status})
            .where(stage.status == CREATED, *same, *criteria)
        )

    def _stored_columns(
        self,
    ) -> tuple[Mapping[Field, ColumnElement[Any]], Sequence[ColumnElement[bool]]]:
        """Return the columns of stored rows, and the conditions that they are of the class."""
        fields = (self._key, *self._natural_key, *self._changeable)
        if len(self._mapped.tables) == 1:
            return {field: field.column for field in fields}, self._mapped.criteria
        labelled = {f: f.expression.label(f"stored_{n}") for n, f in enumerate(fields)}
        rows = select(*labelled.values()).subquery("stored")
        return {field: rows.c[label.name] for field, label in labelled.items()}, ()

    def _highest(self) -> Iterator[ClauseElement]:
        """Give the highest ids ever given, where the database does not number ahead. No values."""
        return iter(()) if self._sequences else highest_numbers(self._key.column)

    def _numbered(self) -> ClauseElement:
        """Give new rows their ids. Value, on SQLite: the highest id ever given."""
        stage = self._stage
        if self._sequences:
            number: Any = next_number(self._key.column, self.dialect)
        else:
            number = stage.line + param(0, Integer())
        return update(stage.table).values({stage.id: number}).where(stage.status == CREATED)

    def _created(self, *, in_part: bool = False) -> ClauseElement:
        """Insert the new rows. Values: one for each of the moments; the part's lines."""
        stage = self._stage
        values: dict[Any, ColumnElement[Any]] = {self._key.column: stage.id}
        for field in stage.fields:
            values[field.column] = _or_default(field, stage)
        for place, field in enumerate(self._moments):
            values[field.column] = param(place, field.column.type)
        part = self._part(len(self._moments)) if in_part else ()
        there = (stage.status == CREATED, *part)
        rows = select(*values.values()).where(*there).order_by(stage.line)
        into = insert_generated if self._key.generated_always else insert
        return into(self._table).from_select(list(values), rows, include_defaults=False)

    def _part(self, place: int) -> tuple[ColumnElement[bool], ...]:
        """Narrow to a part of the lines. Values, from this place on: the first line, the last."""
        first, last = (param(n, Integer()) for n in (place, place + 1))
        return self._stage.line >= first, self._stage.line <= last

    def _updated(self, *, in_part: bool = False) -> ClauseElement:
        """Change the stored rows that differ. Values: one for each of the refreshed; the part's."""
        stage = self._stage
        values: dict[Any, ColumnElement[Any]] = {
            f.column: case((stage.gives(f), stage.value(f)), else_=f.column)
            for f in self._changeable
        }
        for place, field in enumerate(self._refreshed):
            values[field.column] = param(place, field.column.type)
        same = self._key.column == stage.id
        part = self._part(len(self._refreshed)) if in_part else ()
        return update(self._table).values(values).where(same, stage.status == UPDATED, *part)

    def _refused(self) -> ClauseElement:
        """Reject one row. Values: its errors as JSON, its line."""
        stage = self._stage
        values = {stage.status: REJECTED, stage.errors: param(0, Text())}
        return update(stage.table).values(values).where(stage.line == param(1, Integer()))

    def _staged(self) -> ClauseElement:
        """Return line, id, bits and fields of staged rows. Values: status, first line, last."""
        stage = self._stage
        fields = [stage[field.attribute] for field in stage.fields]
        return (
            select(stage.line, stage.id, stage.given, *fields)
            .where(stage.status == param(0, stage.status.type), *self._part(1))
            .order_by(stage.line)
        )

    def _count_of(self) -> ClauseElement:
        """Return the number of rows of a status. Value: the status."""
        stage = self._stage
        return select(func.count()).where(stage.status == param(0, stage.status.type))

    def _lines(self) -> ClauseElement:
        """Return lines of a status, in order. Values: the status, the last line, the most."""
        stage = self._stage
        return (
            select(stage.line)
            .where(stage.status == param(0, stage.status.type), stage.line > param(1, Integer()))
            .order_by(stage.line)
            .limit(param(2, Integer()))
        )

    def _counts(self) -> ClauseElement:
        """Give each status and its number of rows. No values."""
        return select(self._stage.status, func.count()).group_by(self._stage.status)

    def _report(self, *conditions: ColumnElement[bool]) -> ClauseElement:
        """Give line, status, id and errors, by line. Values: the last line, the most rows."""
        stage = self._stage
        return (
            select(stage.line, stage.status, stage.id, stage.errors)
            .where(stage.line > param(0, Integer()), *conditions)
            .order_by(stage.line)
            .limit(param(1, Integer()))
        )


def _or_default(field: Field, stage: StagingTable) -> ColumnElement[Any]:
    """Give what a row says of a field, or else the default that only the database knows."""
    default = sql_default(field.column, stage.dialect)
    if default is None:
        return stage.value(field)
    return case((stage.gives(field), stage.value(field)), else_=default)
