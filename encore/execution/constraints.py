"""Check constraints: which fields one is about, which no database tells."""

import re
from typing import Final

from sqlalchemy import CheckConstraint, Dialect

from encore.database.errors import CheckViolation
from encore.models.fields import Fields

_WORD: Final = re.compile(r"\w+")


def checked_fields(error: CheckViolation, fields: Fields, dialect: Dialect) -> list[str]:
    """Give the names of the fields that the violated constraint speaks of; none if unknown."""
    table = fields.key[0].column.table
    of_columns = (one for column in table.columns for one in column.constraints)
    for constraint in (*table.constraints, *of_columns):
        if not isinstance(constraint, CheckConstraint):
            continue
        text = str(constraint.sqltext)
        words = set(_WORD.findall(text))
        names = [name for name in fields.by_name if name in words]
        if isinstance(constraint.name, str):
            given = dialect.identifier_preparer.format_constraint(constraint)
            known = {str(given).strip('"')}
        else:  # SQLite tells its text, PostgreSQL a name of its own making.
            column = f"_{names[0]}" if len(names) == 1 else ""
            known = {text, f"{table.name}{column}_check"}
        if error.constraint in known:
            return names
    return []
