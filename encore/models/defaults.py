"""Column defaults: those that Python evaluates before a statement, and those that SQL evaluates.

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

from encore.database.capabilities import capabilities_of

_NUMBERS: Final = (Integer, Numeric, Float, Boolean)


def is_context_sensitive(default: Any) -> bool:
    """Return whether a default is a function of the execution context."""
    if not isinstance(default, CallableColumnDefault):
        return False
    # SQLAlchemy wraps a function without parameters in one that takes the context.
    code = getattr(default.arg, "__code__", None)
    return code is None or "sqlalchemy" not in code.co_filename


def evaluate_default(default: DefaultGenerator | None) -> Any:
    """Return the value of a default; ``UNSET`` if there is none, or SQL evaluates it."""
    if isinstance(default, CallableColumnDefault):
        if is_context_sensitive(default):
            return UNSET
        return default.arg(None)  # type: ignore[arg-type] # it takes a context or None
    if isinstance(default, ScalarElementColumnDefault):
        return default.arg
    return UNSET


def has_sql_default(column: Column[Any]) -> bool:
    """Return whether the database evaluates the default of a column.

    Generated columns and identity columns have no default: they are never written.
    """
    if column.computed is not None or column.identity is not None:
        return False
    if column.default is not None:
        return evaluate_default(column.default) is UNSET and not is_context_sensitive(
            column.default
        )
    return column.server_default is not None


def sql_default(column: Column[Any], dialect: Dialect) -> ColumnElement[Any] | None:
    """Return the expression of a default that SQL evaluates; None if the model has none.

    ``FetchedValue`` marks a default that only the database knows: it has no expression either.
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
    # SQLite converts values when it stores them; its CAST would turn a date into a number.
    if not capabilities_of(dialect).enforced_types and not isinstance(column.type, _NUMBERS):
        return expression
    return cast(expression, column.type)
