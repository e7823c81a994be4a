"""From the database's refusals to the caller's."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, ForeignKeyConstraint, and_, literal, select

from api.crud.execution.constraints import checked_fields
from api.errors import (
    ApiError,
    Conflict,
    FieldError,
    InternalError,
    ServiceUnavailable,
    ValidationFailed,
)
from db import errors as db
from db.database import Database
from db.statement import Statement, slot

if TYPE_CHECKING:
    from api.crud.execution.context import Context
    from api.crud.views.view import View

_RETRY: Final = {"Retry-After": "1"}
_INVALID: Final = "Validation error"
_NO_SUCH_ROW: Final = "refers to no such row"

# What each violated constraint is to the caller, and what its message says of the field.
_VIOLATIONS: Final[Mapping[type[db.IntegrityViolation], tuple[type[ApiError], str]]] = {
    db.UniqueViolation: (Conflict, "must be unique"),
    db.ForeignKeyViolation: (Conflict, _NO_SUCH_ROW),
    db.NotNullViolation: (ValidationFailed, "cannot be null"),
    db.CheckViolation: (ValidationFailed, "is not allowed"),
}


async def diagnose(error: db.DatabaseError, context: "Context", database: Database) -> ApiError:
    """Say what the database refused, in terms of the resource's fields.

    The database's own text is not in it: that is for the log, as the error's cause. SQLite does
    not say which foreign key was violated, so the rows are asked, after all has been undone.
    """
    match error:
        case db.ForeignKeyViolation():
            return Conflict(_INVALID, await _broken_links(error, context, database))
        case db.IntegrityViolation():
            refusal, text = _VIOLATIONS[type(error)]
            view, prefix = _written(context)
            columns: Sequence[str] = error.columns
            if isinstance(error, db.CheckViolation):
                columns = checked_fields(error, view.fields, database.dialect)
            elif error.table != view.fields.key[0].column.table.name:
                columns = ()  # A hook's own row, of which the caller knows nothing.
            return refusal(_INVALID, _each(columns, text, view, prefix))
        case db.ValueRefused():
            return ValidationFailed("A value does not fit its column")
        case db.SeveralRows():
            return InternalError()
        case db.StatementTooSlow():
            return ServiceUnavailable("The database took too long; narrow the request down")
        case _:
            return ServiceUnavailable("The database cannot serve this now", headers=_RETRY)


def _written(context: "Context") -> tuple["View", str]:
    """Give the view of the row that was refused, and where it stands in the body."""
    writing = context.writing
    return (context.resource.view, "") if writing is None else (writing.view, writing.prefix)


def _each(names: Iterable[str], text: str, view: "View", prefix: str = "") -> Sequence[FieldError]:
    """Name the fields, or relations in their place, but none that callers may not know of."""
    relations = {
        str(column.name): name
        for name, child in view.children.items()
        for column in child.relation.foreign_key
    }
    shown = [name if name in view.shown else relations.get(name) for name in names]
    return [
        {"field": prefix + name, "message": f"{prefix}{name} {text}"}
        for name in dict.fromkeys(shown)
        if name is not None
    ]


async def _broken_links(
    error: db.ForeignKeyViolation, context: "Context", database: Database
) -> Sequence[FieldError]:
    """Name the fields that refer to no row, or else the columns that refer to this row."""
    view, prefix = _written(context)
    if context.action != "delete":
        columns: Iterable[str] = error.columns
        if not columns or error.table != view.fields.key[0].column.table.name:
            columns = await _missing(context, view, database)
        if columns:
            return _each(columns, _NO_SUCH_ROW, view, prefix)
    if context.action == "create":
        return ()  # Nothing refers to a new row.
    names = await _referring(context, database)
    return [{"field": name, "message": f"{name} refers to this row"} for name in names]


async def _missing(context: "Context", view: "View", database: Database) -> list[str]:
    """Find the written foreign keys that refer to no row."""
    attributes = context.attributes if context.writing is None else context.writing.attributes
    written = {f.column: value for f, value in view.fields.bound(attributes).items()}
    names: list[str] = []
    for constraint in view.fields.key[0].column.table.foreign_key_constraints:
        values = [written.get(column) for column in constraint.columns]
        remotes = [key.column for key in constraint.elements]
        if None not in values and not await _exists(remotes, values, database):
            names += [str(column.name) for column in constraint.columns]
    return names


async def _referring(context: "Context", database: Database) -> list[str]:
    """Find the columns, of any table, whose rows refer to the row that the path names."""
    resource = context.resource
    table = resource.fields.key[0].column.table
    async with database.reading() as connection:
        row = await connection.fetch_one(resource.statements.read(), context.key)
    if row is None:
        return []
    keys: list[ForeignKeyConstraint] = [
        key
        for other in table.metadata.sorted_tables
        for key in sorted(other.foreign_key_constraints, key=lambda one: str(one.column_keys))
        if key.referred_table is table
    ]
    return [
        f"{key.table.name}.{column.name}"
        for key in keys
        if await _exists(
            list(key.columns),
            resource.view.values(row, [element.column for element in key.elements]),
            database,
        )
        for column in key.columns
    ]


async def _exists(
    columns: Sequence[Column[Any]], values: Sequence[Any], database: Database
) -> bool:
    same = and_(*(column == slot(n, column.type) for n, column in enumerate(columns)))
    statement = Statement(select(literal(1)).where(same).limit(1), database.dialect)
    async with database.reading() as connection:
        return await connection.fetch_one(statement, tuple(values)) is not None
