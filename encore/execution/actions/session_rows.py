"""Creating, updating and deleting a resource's rows through an ORM session.

For models whose mapper requires more than one statement; ``session_writes`` says how an instance
is made, loaded and flushed. The row of the response is read back by the resource's own statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.context import Context
from encore.execution.resource import Resource
from encore.execution.session_writes import run_in_session
from encore.execution.soft_delete import (
    SoftDeleteSessions,
    cascading_relationships,
    current_milliseconds,
)

Keys = Sequence[Any]


def marks_in_session(resource: Resource) -> bool:
    """Return whether rows of a soft-deleted resource are deleted and restored through a session."""
    if resource.session_writes.behaviour.reasons("update"):
        return True
    return any(cascading_relationships(resource.fields.mapped.mapper))


async def create_row(resource: Resource, context: Context) -> Row | None:
    """Insert the row of a create, and its related ones; return it as it is stored."""
    writes, nested = resource.session_writes, resource.session_nested
    connection = await context.connection()
    await nested.check_links(connection, context)

    def work(session: Session) -> tuple[Keys, Mapping[str, Keys]]:
        with session.no_autoflush:  # The row is not complete before its related ones are.
            instance = writes.make(context.attributes)
            session.add(instance)
            made = nested.apply(session, instance, context)
        session.flush()
        return writes.identity(instance), nested.keys(context.nested, made)

    key, made = await run_in_session(connection, work)
    await nested.check_made(connection, context, made)
    return await connection.fetch_one(resource.statements.stored(), tuple(key))


async def update_row(resource: Resource, context: Context, row: Row) -> Row | None:
    """Update a stored row, and its related ones; return it as it is stored then."""
    writes, nested = resource.session_writes, resource.session_nested
    key = resource.fields.key_of(row)
    connection = await context.connection()
    await nested.check_links(connection, context)

    def work(session: Session) -> Mapping[str, Keys]:
        instance = writes.load(session, key, row)
        if instance is None:
            raise NotFound
        with session.no_autoflush:
            writes.assign(instance, context.attributes)
            made = nested.apply(session, instance, context)
        session.flush()
        return nested.keys(context.nested, made)

    made = await run_in_session(connection, work)
    await nested.check_made(connection, context, made)
    return await connection.fetch_one(resource.statements.stored(), key)


async def delete_row(resource: Resource, context: Context, row: Row) -> None:
    """Delete a stored row, with the rows that the mapping deletes or changes with it."""
    writes = resource.session_writes
    key = resource.fields.key_of(row)

    def work(session: Session) -> None:
        instance = writes.load(session, key, row, with_deleted=True)
        if instance is None:
            raise NotFound
        session.delete(instance)

    await run_in_session(await context.connection(), work)


async def mark_deleted(resource: Resource, context: Context, row: Row) -> None:
    """Mark a stored row, and those to which its deletion cascades, as deleted."""
    writes, marks = resource.session_writes, SoftDeleteSessions(resource.serializer.soft_deletes)
    key, timestamp = resource.fields.key_of(row), current_milliseconds()

    def work(session: Session) -> None:
        instance = writes.load(session, key, row, with_deleted=True)
        if instance is None or not marks.delete(session, instance, timestamp):
            raise NotFound

    await run_in_session(await context.connection(), work)


async def restore_row(resource: Resource, context: Context, row: Row) -> Row | None:
    """Restore a deleted row, and those that were deleted with it; return it as it is stored."""
    writes, marks = resource.session_writes, SoftDeleteSessions(resource.serializer.soft_deletes)
    key = resource.fields.key_of(row)
    connection = await context.connection()

    def work(session: Session) -> None:
        instance = writes.load(session, key, row, with_deleted=True)
        if instance is None or not marks.restore(session, instance):
            raise NotFound
        writes.assign(instance, context.attributes)

    await run_in_session(connection, work)
    return await connection.fetch_one(resource.statements.stored(), key)
