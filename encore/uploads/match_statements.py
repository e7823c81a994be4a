"""The SQL statements that match uploaded rows to stored rows by the natural key, and compare them.

``rename_statements`` matches the others by their previous key.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql import ClauseElement

from encore.database.expressions.json_text import json_array_text
from encore.database.statement import Statement
from encore.models.fields import Field
from encore.models.mapped_class import MappedClass
from encore.uploads.rename_statements import RenameStatements
from encore.uploads.staging_table import CREATED, REJECTED, UNCHANGED, UPDATED, StagingTable


class StoredRows:
    """The stored rows of a mapped class, in the FROM of a statement: ``stored[field]`` is a column.

    Args:
        mapped: The mapped class.
        fields: The fields that statements use.

    Attributes:
        rows: The rows, as statements have them in FROM.
        criteria: The conditions that select the rows of the class.
    """

    def __init__(self, mapped: MappedClass, fields: Sequence[Field]) -> None:
        if len(mapped.tables) == 1:
            self._columns: dict[Field, ColumnElement[Any]] = {f: f.column for f in fields}
            self.rows: FromClause = fields[0].column.table
            self.criteria: Sequence[ColumnElement[bool]] = mapped.criteria
            return
        labelled = {f: f.expression.label(f"stored_{n}") for n, f in enumerate(fields)}
        rows = select(*labelled.values()).subquery("stored")
        self._columns = {field: rows.c[label.name] for field, label in labelled.items()}
        self.rows = rows
        self.criteria = ()

    def __getitem__(self, field: Field) -> ColumnElement[Any]:
        """Return the column of a field."""
        return self._columns[field]


class MatchStatements:
    """Builds and holds the statements that match rows to stored rows.

    Args:
        staging: The table of uploaded rows.
        stored: The stored rows.
        natural_key: The fields that identify a stored row of one owner.
        identifying: The natural key and the owners.
        key: The primary key's only field.
        changeable: The fields that an upload may change in a stored row.

    Attributes:
        reject_duplicates: Rejects rows with the natural key of an earlier row.
        match_and_compare: Sets the id and the status of rows whose natural key is stored.
        has_changes: Whether any matched row differs from its stored row: one row, or none.
        compare_again: Sets the status of matched rows anew, except ``unchanged`` ones.
        renames: The statements about previous keys; None if rows have none.
    """

    def __init__(
        self,
        staging: StagingTable,
        stored: StoredRows,
        *,
        natural_key: Sequence[Field],
        identifying: Sequence[Field],
        key: Field,
        changeable: Sequence[Field],
    ) -> None:
        self._staging = staging
        self._stored = stored
        self._natural_key = natural_key
        self._identifying = identifying
        self._key = key
        self._changeable = changeable
        self.reject_duplicates = self._compile(self._reject_duplicates())
        self.match_and_compare = self._compile(self._match_and_compare())
        self.has_changes = self._compile(
            select(literal(1)).select_from(staging.table).where(staging.status == UPDATED).limit(1)
        )
        self.compare_again = self._compile(self._compare_again())
        self.renames: RenameStatements | None = None
        if staging.previous:
            self.renames = RenameStatements(
                staging,
                identifying,
                {field: stored[field] for field in identifying},
                stored[key],
                stored_rows=stored.rows,
                criteria=stored.criteria,
            )

    def _compile(self, clause: ClauseElement) -> Statement:
        # On first use: resources that are declared later may be soft-deleted.
        return Statement(lambda: clause, self._staging.dialect)

    def _reject_duplicates(self) -> ClauseElement:
        """Reject rows with the natural key of an earlier row. No values."""
        staging = self._staging
        keys = [staging[field.attribute] for field in self._identifying]
        first = func.min(staging.line).over(partition_by=keys)
        complete = (key.is_not(None) for key in keys)
        earlier = (
            select(staging.line.label("line"), first.label("first"))
            .where(staging.status == CREATED, *complete)
            .subquery()
        )
        duplicate = and_(earlier.c.line == staging.line, earlier.c.first < staging.line)
        names = " and ".join(field.name for field in self._natural_key)
        prefix = literal(f"{names} must be unique: the same as in line ", Text)
        message = prefix + cast(earlier.c.first, String)
        return reject_rows(staging, duplicate, self._natural_key[-1].name, message)

    def _match_and_compare(self) -> ClauseElement:
        """Set the id and the status of rows whose natural key is stored. No values."""
        staging = self._staging
        stored = self._stored
        matches = (staging.equals(field, stored[field]) for field in self._identifying)
        return (
            update(staging.table)
            .values({staging.id: stored[self._key], staging.status: self._result()})
            .where(staging.status == CREATED, *matches, *stored.criteria)
        )

    def _compare_again(self) -> ClauseElement:
        """Set the status of rows that are matched, but not known to be unchanged. No values."""
        staging = self._staging
        stored = self._stored
        return (
            update(staging.table)
            .values({staging.status: self._result()})
            .where(
                staging.status.in_((CREATED, UPDATED)),
                stored[self._key] == staging.id,
                *stored.criteria,
            )
        )

    def _result(self) -> ColumnElement[str]:
        """Return the SQL expression of a matched row's status: ``updated`` or ``unchanged``."""
        stored = self._stored
        differences = (self._staging.differs(field, stored[field]) for field in self._changeable)
        return case((or_(false(), *differences), UPDATED), else_=UNCHANGED)


def reject_rows(
    staging: StagingTable,
    condition: ColumnElement[bool],
    field: str,
    message: str | ColumnElement[str],
) -> ClauseElement:
    """Return the statement that rejects the rows for which a condition holds.

    Rows that are rejected already keep their errors.

    Args:
        staging: The table of uploaded rows.
        condition: A condition on the staging table and, optionally, other tables.
        field: The name of the invalid field.
        message: The whole message, or an SQL expression of it.
    """
    message = literal(message, Text) if isinstance(message, str) else cast(message, Text)
    error = {"field": literal(field, Text), "message": message}
    errors = json_array_text([error], staging.dialect)
    return (
        update(staging.table)
        .values({staging.status: REJECTED, staging.errors: errors})
        .where(staging.status != REJECTED, condition)
    )
