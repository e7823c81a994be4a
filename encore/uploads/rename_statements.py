"""The SQL statements that match rows by their previous key, before the stored rows are renamed.

A row is matched by its previous key only if its own key is not stored. A stored row is claimed by
one row at most: by the row that has its key, otherwise by the first that has it as previous key.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    func,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.sql import ClauseElement

from encore.database.statement import Statement
from encore.models.fields import Field
from encore.uploads.staging_table import CREATED, StagingTable


class RenameStatements:
    """Builds and holds the statements about previous keys.

    Args:
        staging: The table of uploaded rows.
        identifying: The fields of the natural key, and the owners.
        stored: The columns of these fields in the stored rows.
        stored_id: The column of their primary key.
        stored_rows: The stored rows, as statements have them in FROM.
        criteria: The conditions that select the rows of the class.

    Attributes:
        forget_claimed: Removes previous keys that are keys of other rows of the whole upload.
        forget_matched: Removes the previous keys of rows that are matched by their own key.
        match_previous: Sets the id of rows whose previous key is stored.
        forget_unmatched: Removes the previous keys of rows that matched no stored row.
    """

    def __init__(
        self,
        staging: StagingTable,
        identifying: Sequence[Field],
        stored: Mapping[Field, ColumnElement[Any]],
        stored_id: ColumnElement[Any],
        *,
        stored_rows: FromClause,
        criteria: Sequence[ColumnElement[bool]],
    ) -> None:
        self._staging = staging
        self._identifying = identifying
        self._key_values = [staging.key_value(field) for field in identifying]
        self._removed = {staging.previous_column(field): None for field in staging.previous}
        self.forget_claimed = self._compile(self._forget_claimed())
        self.match_previous = self._compile(
            self._match_previous(stored, stored_id, stored_rows, criteria)
        )
        self.forget_matched = self._compile(
            update(staging.table)
            .values(self._removed)
            .where(staging.id.is_not(None), staging.has_previous)
        )
        self.forget_unmatched = self._compile(
            update(staging.table).values(self._removed).where(staging.id.is_(None))
        )

    def _compile(self, clause: ClauseElement) -> Statement:
        return Statement(lambda: clause, self._staging.dialect)

    def _forget_claimed(self) -> ClauseElement:
        """Remove previous keys that are the key of a row of the upload. No values."""
        staging = self._staging
        columns = [staging[field.attribute] for field in self._identifying]
        own = self._labelled(columns, is_previous=False).where(staging.status == CREATED)
        previous = self._labelled(self._key_values, is_previous=True).where(staging.has_previous)
        # Not a join: SQLite has no index for it, and would read all rows for each row.
        keys = union_all(own, previous).subquery("all_keys")
        same_key = [keys.c[f"key_{place}"] for place in range(len(columns))]
        own_rows = func.min(keys.c.is_previous).over(partition_by=same_key)
        found = select(keys.c.line, keys.c.is_previous, own_rows.label("first")).subquery("found")
        claimed = select(found.c.line).where(found.c.is_previous == 1, found.c.first == 0)
        return update(staging.table).values(self._removed).where(staging.line.in_(claimed))

    def _labelled(self, key: Sequence[ColumnElement[Any]], *, is_previous: bool) -> Select[Any]:
        labelled = [column.label(f"key_{place}") for place, column in enumerate(key)]
        flag = literal(int(is_previous), Integer()).label("is_previous")
        return select(self._staging.line.label("line"), flag, *labelled)

    def _match_previous(
        self,
        stored: Mapping[Field, ColumnElement[Any]],
        stored_id: ColumnElement[Any],
        stored_rows: FromClause,
        criteria: Sequence[ColumnElement[bool]],
    ) -> ClauseElement:
        staging = self._staging
        first = func.min(staging.line).over(partition_by=self._key_values)
        claims = (
            select(staging.line.label("line"), first.label("first"))
            .where(staging.status == CREATED, staging.id.is_(None), staging.has_previous)
            .subquery("claims")
        )
        matched = staging.table.alias("matched")
        matched_id = matched.c[staging.id.name]
        matches = (staging.equals(f, stored[f], previous=True) for f in self._identifying)
        # An outer join, since NOT IN of many rows is slow on PostgreSQL, and NOT EXISTS on SQLite.
        found = (
            select(staging.line.label("line"), stored_id.label("id"))
            .select_from(
                staging.table.join(claims, claims.c.line == staging.line),
                stored_rows.outerjoin(matched, matched_id == stored_id),
            )
            .where(claims.c.first == staging.line, matched_id.is_(None), *matches, *criteria)
            .subquery("found")
        )
        renamed = update(staging.table).values({staging.id: found.c.id})
        return renamed.where(found.c.line == staging.line)
