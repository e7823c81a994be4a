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

Keys = Sequence[Any]


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
        instance = writes.load(session, key, row)
        if instance is None:
            raise NotFound
        session.delete(instance)

    await run_in_session(await context.connection(), work)
