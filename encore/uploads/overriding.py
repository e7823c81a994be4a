"""``INSERT ... OVERRIDING SYSTEM VALUE``, which SQLAlchemy has no construct for.

An upload takes the ids of new rows from the sequence before it inserts them, also where the key is
``GENERATED ALWAYS AS IDENTITY``: then PostgreSQL wants to be told that this is meant.
"""

from typing import Any

from sqlalchemy import Insert, Table
from sqlalchemy.ext.compiler import compiles


class _InsertGenerated(Insert):
    inherit_cache = False


def insert_generated(table: Table) -> Insert:
    """Return an INSERT, to be completed by ``from_select``, that may give generated keys."""
    return _InsertGenerated(table)


@compiles(_InsertGenerated, "postgresql")
def _on_postgresql(element: Insert, compiler: Any, **options: Any) -> str:
    text: str = compiler.visit_insert(element, **options)
    columns, select, rest = text.partition(") SELECT ")
    return f"{columns}) OVERRIDING SYSTEM VALUE SELECT {rest}" if select else text


@compiles(_InsertGenerated)
def _elsewhere(element: Insert, compiler: Any, **options: Any) -> str:
    text: str = compiler.visit_insert(element, **options)
    return text
