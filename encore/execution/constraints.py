"""The fields of a violated check constraint, which the databases do not report."""

import re
from typing import Final

from sqlalchemy import CheckConstraint, Dialect

from encore.database.errors import CheckViolation
from encore.models.fields import Fields

_WORD: Final = re.compile(r"\w+")


def fields_of_check(error: CheckViolation, fields: Fields, dialect: Dialect) -> list[str]:
    """Return the names of the fields in the violated constraint; empty if it is unknown."""
    table = fields.key[0].column.table
    of_columns = (constraint for column in table.columns for constraint in column.constraints)
    for constraint in (*table.constraints, *of_columns):
        if not isinstance(constraint, CheckConstraint):
            continue
        sql = str(constraint.sqltext)
        words = set(_WORD.findall(sql))
        names = [name for name in fields.by_name if name in words]
        if isinstance(constraint.name, str):
            name = dialect.identifier_preparer.format_constraint(constraint)
            known = {str(name).strip('"')}
        else:  # SQLite reports its SQL, PostgreSQL a name that it generates.
            column = f"_{names[0]}" if len(names) == 1 else ""
            known = {sql, f"{table.name}{column}_check"}
        if error.constraint in known:
            return names
    return []
