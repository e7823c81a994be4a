"""The rules of rows that are not timesheets: values are sent as they were parsed."""

from datetime import date
from typing import Any

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.selectors import Row


class PlainRules:
    """Completes parsed rows.

    Args:
        mapping: Its target has the kinds of the fields.
        is_csv: Whether the source is CSV, whose empty cells are missing values. A null of JSON is
            sent, as it may remove a stored value.
    """

    def __init__(self, mapping: FieldMapping, *, is_csv: bool) -> None:
        kinds = mapping.target.kinds
        self._instants = [name for name, kind in kinds.items() if kind == "timestamp"]
        self._dates = [name for name, kind in kinds.items() if kind == "date"]
        replaced = {*mapping.defaults, *(n for n, table in mapping.values.items() if "" in table)}
        self._nullable = [
            (name, text)
            for name, text in mapping.columns.items()
            if not is_csv and name not in replaced
        ]

    def complete(self, fields: dict[str, Any], row: Row) -> date | None:
        """Replace parsed dates by text, and add the nulls of JSON; return None."""
        for name in self._instants:
            if name in fields:
                fields[name] = fields[name].rfc3339
        for name in self._dates:
            if name in fields:
                fields[name] = fields[name].isoformat()
        for name, text in self._nullable:
            if name not in fields and text in row and row[text] is None:
                fields[name] = None
        return None
