"""From asyncpg's exceptions to ``db.errors``."""

import re
from typing import Any, Final

import asyncpg

from db import errors

_KEY: Final = re.compile(r"Key \((.*?)\)=")


def translate(error: Exception) -> errors.DatabaseError:
    """Give the error of ours that says the same as the driver's."""
    text = f"{type(error).__name__}: {error}"
    match error:
        case errors.DatabaseError():
            return error
        case asyncpg.IntegrityConstraintViolationError():
            return _violation(error, text)
        case asyncpg.QueryCanceledError() | asyncpg.CardinalityViolationError():
            slow = isinstance(error, asyncpg.QueryCanceledError)
            return (errors.StatementTooSlow if slow else errors.SeveralRows)(text)
        case asyncpg.DataError() | asyncpg.exceptions.UntranslatableCharacterError():
            return errors.ValueRefused(text)
        case OverflowError() | UnicodeError() | ValueError() | TypeError():
            return errors.ValueRefused(text)
        case _:
            return errors.DatabaseUnavailable(text)


def _violation(error: Any, text: str) -> errors.IntegrityViolation:
    """Read ``Key ("partNumber")=(x) already exists.``: the columns, without their quotes."""
    match = _KEY.match(error.detail or "")
    columns = [name.strip('"') for name in match[1].split(", ")] if match else []
    constraint, table = error.constraint_name, error.table_name
    match error:
        case asyncpg.UniqueViolationError():
            return errors.UniqueViolation(text, columns, constraint, table)
        case asyncpg.ForeignKeyViolationError():
            return errors.ForeignKeyViolation(text, columns, constraint, table)
        case asyncpg.NotNullViolationError():
            return errors.NotNullViolation(text, [error.column_name or ""], constraint, table)
        case _:
            return errors.CheckViolation(text, columns, constraint, table)
