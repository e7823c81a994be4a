"""From the database's refusals to the caller's."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, ForeignKey, literal, select

from api.errors import ApiError, Conflict, ServiceUnavailable, ValidationFailed
from db import errors as db
from db.database import Database
from db.statement import Statement, slot

if TYPE_CHECKING:
    from api.crud.context import Context
    from api.crud.resource import Resource

_RETRY: Final = {"Retry-After": "1"}

# What each violated constraint is to the caller, and what its message says of the field.
_VIOLATIONS: Final[Mapping[type[db.IntegrityViolation], tuple[type[ApiError], str]]] = {
    db.UniqueViolation: (Conflict, "must be unique"),
    db.ForeignKeyViolation: (Conflict, "refers to no such row"),
    db.NotNullViolation: (ValidationFailed, "cannot be null"),
    db.CheckViolation: (ValidationFailed, "is not allowed"),
}


async def diagnose(error: db.DatabaseError, context: "Context", database: Database) -> ApiError:
    """Say what the database refused, in terms of the resource's fields.

    The database's own text is not in it: that is for the log, as the error's cause. SQLite does
    not say which foreign key was violated, so the rows are asked, after all has been undone.
    """
    resource = context.resource
    match error:
        case db.ForeignKeyViolation() if context.action == "delete":
            return Conflict("Validation error", _in_use(await _referring(context, database)))
        case db.ForeignKeyViolation() if not error.columns:
            names = await _missing(context, database)
            return Conflict("Validation error", _each(names, "refers to no such row", resource))
        case db.IntegrityViolation():
            refusal, text = _VIOLATIONS[type(error)]
            return refusal("Validation error", _each(error.columns, text, resource))
        case db.ValueRefused():
            return ValidationFailed("A value does not fit its column")
        case db.StatementTooSlow():
            return ServiceUnavailable("The database took too long; narrow the request down")
        case _:
            return ServiceUnavailable("The database cannot serve this now", headers=_RETRY)


def _each(names: Iterable[str], text: str, resource: "Resource") -> list[dict[str, str]]:
    """Name the fields, but for those that callers may not know of."""
    shown = resource.view.shown
    return [{"field": name, "message": f"{name} {text}"} for name in names if name in shown]


def _in_use(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"field": name, "message": f"{name} refers to this row"} for name in names]


async def _missing(context: "Context", database: Database) -> list[str]:
    """Find the written foreign keys that refer to no row."""
    written = context.resource.fields.bound(context.attributes)
    return [
        field.name
        for field, value in written.items()
        for key in field.column.foreign_keys
        if value is not None and not await _exists(key.column, value, database)
    ]


async def _referring(context: "Context", database: Database) -> list[str]:
    """Find the columns, of any table, whose rows refer to the row that was to be deleted."""
    resource = context.resource
    table = resource.fields.key[0].column.table
    if len(context.key) != 1 or resource.key != resource.fields.key:
        return []
    (value,) = context.key
    keys: list[ForeignKey] = [
        key
        for other in table.metadata.sorted_tables
        for key in other.foreign_keys
        if key.column.table is table
    ]
    return [
        f"{key.parent.table.name}.{key.parent.name}"
        for key in keys
        if await _exists(key.parent, value, database)
    ]


async def _exists(column: Column[object], value: object, database: Database) -> bool:
    found = select(literal(1)).where(column == slot(0, column.type)).limit(1)
    async with database.reading() as connection:
        statement = Statement(found, database.dialect)
        return await connection.fetch_one(statement, (value,)) is not None
