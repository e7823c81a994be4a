"""Defaults of columns: which Python can evaluate beforehand, and which ask for the statement.

A default that takes SQLAlchemy's execution context ("Context-Sensitive Default Functions") sees
the other values of its row; only a session evaluates it.
"""

from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Float,
    Integer,
    Numeric,
    String,
    cast,
    literal,
)
from sqlalchemy.sql.schema import (
    CallableColumnDefault,
    DefaultGenerator,
    ScalarElementColumnDefault,
    Sequence,
)

_NUMBERS: Final = (Integer, Numeric, Float, Boolean)


def is_context_sensitive(default: Any) -> bool:
    """Tell whether a default is a function of the execution context."""
    if not isinstance(default, CallableColumnDefault):
        return False
    # SQLAlchemy wraps a function without parameters into one of its own that takes the context.
    code = getattr(default.arg, "__code__", None)
    return code is None or "sqlalchemy" not in code.co_filename


def evaluate_default(default: DefaultGenerator | None) -> Any:
    """Return the value of a default; ``UNSET`` where there is none, or only a statement has it."""
    if isinstance(default, CallableColumnDefault):
        if is_context_sensitive(default):
            return UNSET
        return default.arg(None)  # type: ignore[arg-type] # SQLAlchemy takes a context, or None.
    if isinstance(default, ScalarElementColumnDefault):
        return default.arg
    return UNSET


def has_sql_default(column: Column[Any]) -> bool:
    """Tell whether a new row's value is a default that the database finds out.

    Generated columns and identities have none: nobody writes them.
    """
    if column.computed is not None or column.identity is not None:
        return False
    if column.default is not None:
        return evaluate_default(column.default) is UNSET and not is_context_sensitive(
            column.default
        )
    return column.server_default is not None


def sql_default(column: Column[Any], dialect: Dialect) -> ColumnElement[Any] | None:
    """Return the expression of a default that SQL evaluates; None where the model has none.

    A default that only the database knows (``FetchedValue``) has no expression either.
    """
    default: Any = column.server_default if column.default is None else column.default
    if default is None or not has_sql_default(column):
        return None
    if isinstance(default, Sequence):
        return default.next_value() if dialect.supports_sequences else None
    expression = getattr(default, "arg", None)
    if expression is None:
        return None
    if isinstance(expression, str):
        expression = literal(expression, String)
    # SQLite converts what it stores; its CAST would make a number of a date.
    if dialect.name == "sqlite" and not isinstance(column.type, _NUMBERS):
        return expression
    return cast(expression, column.type)
