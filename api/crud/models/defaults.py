"""Defaults of columns: which Python can evaluate beforehand, and which ask for the statement.

A default that takes SQLAlchemy's execution context ("Context-Sensitive Default Functions") sees
the other values of its row; only a session evaluates it.
"""

from typing import Any

from msgspec import UNSET
from sqlalchemy.sql.schema import (
    CallableColumnDefault,
    DefaultGenerator,
    ScalarElementColumnDefault,
)


def takes_context(default: Any) -> bool:
    """Tell whether a default is a function of the execution context."""
    if not isinstance(default, CallableColumnDefault):
        return False
    # SQLAlchemy wraps a function without parameters into one of its own that takes the context.
    code = getattr(default.arg, "__code__", None)
    return code is None or "sqlalchemy" not in code.co_filename


def evaluate(default: DefaultGenerator | None) -> Any:
    """Return the value of a default; ``UNSET`` where there is none, or only a statement has it."""
    if isinstance(default, CallableColumnDefault):
        if takes_context(default):
            return UNSET
        return default.arg(None)  # type: ignore[arg-type] # SQLAlchemy takes a context, or None.
    if isinstance(default, ScalarElementColumnDefault):
        return default.arg
    return UNSET
