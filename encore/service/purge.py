"""``purge``: deletes the rows for good that were soft-deleted long enough ago.

Rows are deleted in small transactions, with the cascades of the mapping. A row to which others
refer stays, and so does one whose deletion would delete rows that have been restored.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, and_, delete, func, or_, select, tuple_
from sqlalchemy.orm import Session

from encore.database.errors import DatabaseError, IntegrityViolation
from encore.database.protocol import Connection, Database
from encore.database.soft_deletes import DeletedRows, dialect_showing
from encore.database.statement import Row, Statement, param
from encore.errors import ApiError, StartupError
from encore.execution.resource import Resource
from encore.execution.session_writes import run_in_session
from encore.execution.soft_delete import SoftDeleteSessions, current_milliseconds
from encore.query.timestamps import compare_timestamps
from encore.service.service import Service
from encore.types import format_timestamp

DEFAULT_AGE: Final = timedelta(days=30)
BATCH_ROWS: Final = 100
_AGE: Final = re.compile(r"(\d{1,6})([dhm])", re.ASCII)
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(slots=True)
class Purged:
    """What was deleted of one resource.

    Attributes:
        resource: The resource's name in paths.
        rows: How many rows were deleted, or would be.
        kept: How many rows stay because of other rows.
    """

    resource: str
    rows: int = 0
    kept: int = 0


def parse_age(text: str) -> timedelta:
    """Parse ``30d``, ``12h`` or ``90m``.

    Raises:
        ValueError: The text has another form, or is longer than time has been counted.
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an age such as 30d, 12h or 90m")
    age = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if age >= datetime.now(UTC) - datetime(1, 1, 2, tzinfo=UTC):
        raise ValueError(f"{text!r} is longer than time has been counted")
    return age


def purge(
    service: Service, age: timedelta = DEFAULT_AGE, resource: str | None = None, *, dry_run: bool
) -> list[Purged]:
    """Delete the rows that were soft-deleted longer ago than an age.

    Args:
        service: The service, which need not run.
        age: The age of the deletion.
        resource: The resource's name in paths, or its model's; None for all.
        dry_run: Whether to count the rows only.

    Raises:
        StartupError: There is no such soft-deleted resource, or the database fails.
    """
    chosen = chosen_resources(service.soft_deleted_resources(), resource)
    return asyncio.run(_purge_all(service.database, chosen, age, dry_run=dry_run))


def chosen_resources(resources: Sequence[Resource], name: str | None) -> list[Resource]:
    """Return the resources of this name, all without one. Raises ``StartupError`` for none."""
    known = ", ".join(resource.slug for resource in resources) or "none"
    chosen = [r for r in resources if name is None or name in (r.slug, r.name)]
    if not chosen:
        what = "no resource is soft-deleted" if name is None else f"{name!r} is none of {known}"
        raise StartupError(f"purge: {what}")
    return chosen


async def _purge_all(
    database: Database, resources: Sequence[Resource], age: timedelta, *, dry_run: bool
) -> list[Purged]:
    before = current_milliseconds() - age
    try:
        await database.open()
        try:
            purges = [_Purge(resource, database, before) for resource in resources]
            return [await (one.count() if dry_run else one.run()) for one in purges]
        finally:
            await database.close()
    except DatabaseError as error:
        raise StartupError(f"purge: the database failed: {type(error).__name__}") from error


class _Purge:
    """Deletes old rows of one resource, batch by batch.

    Args:
        resource: The resource.
        database: The open database.
        before: The time before which the rows were deleted.
    """

    def __init__(self, resource: Resource, database: Database, before: datetime) -> None:
        if resource.soft_delete is None:
            raise TypeError(f"{resource.name} is not soft-deleted")
        self._resource = resource
        self._database = database
        self._field = resource.soft_delete
        self._before = before
        self._cutoff = self._field.codec.driver_value(
            self._field.codec.from_json(format_timestamp(before))
        )
        self._dialect = dialect_showing(database.dialect, DeletedRows.STORED)
        self._key = [field.column for field in resource.fields.key]
        self._in_session = bool(resource.session_writes.behaviour.reasons("delete"))
        self._purged = Purged(resource.slug)

    async def count(self) -> Purged:
        """Count the rows."""
        statement = Statement(
            select(func.count()).select_from(self._resource.fields.entity).where(*self._is_old(0)),
            self._dialect,
        )
        async with self._database.reading() as connection:
            row = await connection.fetch_one(statement, (self._cutoff,))
        self._purged.rows = int(row[0]) if row else 0
        return self._purged

    async def run(self) -> Purged:
        """Delete the rows."""
        last: Row | None = None
        while keys := await self._next_keys(last):
            async with self._database.writing() as connection:
                await self._delete_batch(connection, keys)
            last = keys[-1]
        return self._purged

    def _is_old(self, index: int) -> Iterator[ColumnElement[bool]]:
        value, column = param(index, self._field.column.type), self._field.column
        compared = compare_timestamps(self._field, column, "lt", [value])
        yield column < value if compared is None else compared
        yield from self._resource.fields.mapped.criteria

    async def _next_keys(self, last: Row | None) -> list[Row]:
        conditions = [*self._is_old(0)]
        values = [self._cutoff]
        if last is not None:
            params = [param(n, column.type) for n, column in enumerate(self._key, start=1)]
            conditions.append(tuple_(*self._key) > tuple_(*params))
            values += last
        rows = select(*self._key).where(*conditions).order_by(*self._key)
        limited = rows.limit(param(len(values), BigInteger()))
        statement = Statement(limited, self._dialect)
        async with self._database.reading() as connection:
            return await connection.fetch_all(statement, (*values, BATCH_ROWS))

    async def _delete_batch(self, connection: Connection, keys: Sequence[Row]) -> None:
        """Delete the rows of these keys at once; if the database refuses that, one by one."""
        if not self._in_session:
            try:
                async with connection.savepoint():
                    self._purged.rows += await self._delete(connection, keys)
            except IntegrityViolation:
                pass
            else:
                return
        for key in keys:
            try:
                async with connection.savepoint():
                    if self._in_session:
                        await run_in_session(connection, partial(self._delete_one, key))
                    else:
                        self._purged.rows += await self._delete(connection, [key])
            except (IntegrityViolation, ApiError):
                self._purged.kept += 1

    async def _delete(self, connection: Connection, keys: Sequence[Row]) -> int:
        width = len(self._key)
        same = [
            and_(*(c == param(1 + n * width + i, c.type) for i, c in enumerate(self._key)))
            for n in range(len(keys))
        ]
        table = self._resource.fields.table
        rows = delete(table).where(or_(*same), *self._is_old(0)).returning(*self._key)
        values = (self._cutoff, *(value for key in keys for value in key))
        return len(await connection.fetch_all(Statement(rows, self._dialect), values))

    def _delete_one(self, key: Row, session: Session) -> None:
        """Delete a row with the cascades of the mapping, unless it was restored meanwhile."""
        resource = self._resource
        marks = SoftDeleteSessions(resource.serializer.soft_deletes)
        instance = resource.session_writes.load(session, key, with_deleted=True)
        if instance is None or not marks.is_deleted_before(instance, self._before):
            return
        if marks.has_live_dependents(session, instance):
            self._purged.kept += 1
            return
        session.delete(instance)
        session.flush()
        self._purged.rows += 1


def describe(purged: Purged, *, dry_run: bool) -> str:
    """Return the line that reports what was deleted of one resource."""
    rows = f"{purged.rows} {'row' if purged.rows == 1 else 'rows'}"
    if dry_run:
        return f"{purged.resource}: {rows} would be deleted"
    kept = f", {purged.kept} kept: other rows need them" if purged.kept else ""
    return f"{purged.resource}: {rows} deleted{kept}"
