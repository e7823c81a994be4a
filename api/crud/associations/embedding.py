"""Embedding: the related rows of a whole page, one statement a relation.

Rows are fetched by the parents' keys and handed out, so a page of a hundred costs as many
statements as a page of one. The number of keys in a statement is rounded up to a power of two, by
repeating the last, so that few shapes are compiled.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Dialect, Select, and_, or_, select

from api.crud.views.records import hide
from api.crud.views.view import Child, View
from db.connection import Connection
from db.statement import Row, Statement, slot

MAX_KEYS: Final = 8_192
"""The most keys in one statement; the databases allow some 32,000 values."""

MAX_COMPOSITE_KEYS: Final = 256
"""The same for keys of several columns, whose conditions SQLite nests no deeper than 1,000."""

Key = tuple[Any, ...]


class Embedder:
    """Embeds the children of a view."""

    def __init__(self, view: View, dialect: Dialect) -> None:
        self._view = view
        self._dialect = dialect

    async def embed(
        self,
        connection: Connection,
        rows: Sequence[Row],
        records: Sequence[Any],
        wanted: Collection[str] | None = None,
    ) -> None:
        """Fetch the related rows of these rows and set them on their records.

        Args:
            connection: Where to fetch.
            rows: As the database gave them, in the view's field order.
            records: Made of those rows, in the same order.
            wanted: The relations to embed; None for all.
        """
        await self._embed(connection, self._view, rows, records, wanted)

    async def _embed(
        self,
        connection: Connection,
        view: View,
        rows: Sequence[Row],
        records: Sequence[Any],
        wanted: Collection[str] | None,
    ) -> None:
        for name, child in view.children.items():
            if rows and (wanted is None or name in wanted):
                await self._embed_one(connection, view, child, rows, records)

    async def _embed_one(
        self,
        connection: Connection,
        view: View,
        child: Child,
        rows: Sequence[Row],
        records: Sequence[Any],
    ) -> None:
        relation = child.relation
        places = [view.place(local) for local, _ in relation.pairs]
        keys = [tuple(row[place] for place in places) for row in rows]
        found = await self._fetch(connection, child, {key for key in keys if None not in key})
        for record, key in zip(records, keys, strict=True):
            related = found.get(key, ())
            value: Any = list(related) if relation.many else next(iter(related), None)
            setattr(record, relation.name, value)

    async def _fetch(
        self, connection: Connection, child: Child, keys: Collection[Key]
    ) -> dict[Key, list[Any]]:
        """Fetch the related rows of these keys; gives their records under each key."""
        if not keys:
            return {}
        ordered = list(keys)
        width = len(child.relation.pairs)
        most = MAX_KEYS if width == 1 else MAX_COMPOSITE_KEYS
        fetched: list[Row] = []
        for start in range(0, len(ordered), most):
            fetched += await self._fetch_some(connection, child, ordered[start : start + most])
        rows = [tuple(row)[width:] for row in fetched]
        records = child.view.read_rows(rows)
        await self._embed(connection, child.view, rows, records, None)
        if child.view.hidden:
            hide(records, child.view.hidden)
        by_key = defaultdict(list)
        for row, record in zip(fetched, records, strict=True):
            by_key[tuple(row[:width])].append(record)
        return by_key

    async def _fetch_some(self, connection: Connection, child: Child, keys: list[Key]) -> list[Row]:
        """Run one statement for no more keys than one may hold."""
        size = 1 << (len(keys) - 1).bit_length()
        statement = child.statements.get(size)
        if statement is None:
            statement = child.statements[size] = Statement(
                partial(_related, child, size), self._dialect
            )
        padded = keys + [keys[-1]] * (size - len(keys))
        return await connection.fetch_all(statement, tuple(v for key in padded for v in key))


def _related(child: Child, size: int) -> Select[Any]:
    """Select the key columns, then the related rows' columns, of ``size`` keys."""
    relation, fields = child.relation, child.view.fields
    key = [other for _, other in relation.pairs]
    rows = select(*key, *(field.column for field in fields))
    if relation.link is not None:
        on = and_(*(own == linked for own, linked in relation.link_pairs))
        rows = rows.join_from(relation.link, fields.key[0].column.table, on)
    order = relation.mapped.order_by or [field.column for field in fields.key]
    return rows.where(_among(key, size)).order_by(*order)


def _among(columns: Sequence[Column[Any]], size: int) -> ColumnElement[bool]:
    """Make the condition that the columns are one of ``size`` keys."""
    width = len(columns)
    if width == 1:
        (column,) = columns
        return column.in_([slot(index, column.type) for index in range(size)])
    return or_(
        *(
            and_(*(c == slot(n * width + i, c.type) for i, c in enumerate(columns)))
            for n in range(size)
        )
    )
