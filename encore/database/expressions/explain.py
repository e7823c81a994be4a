"""EXPLAIN: how many rows PostgreSQL's planner expects of a SELECT."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal


class Explain(Executable, ClauseElement):
    """``EXPLAIN (FORMAT JSON)`` of a SELECT, which is planned but not run."""

    inherit_cache = False
    _traverse_internals = [("select", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - SQLAlchemy's own form

    def __init__(self, select: Select[Any]) -> None:
        self.select = select


@compiles(Explain, "postgresql")
def _explain(element: Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.select, **options)}"


def planned_rows(explained: Sequence[Any]) -> int:
    """Return how many rows the planner expects, from the row that EXPLAIN returns."""
    (text,) = explained
    plans: Any = json.loads(text) if isinstance(text, str) else text
    rows: int = plans[0]["Plan"]["Plan Rows"]
    return rows
