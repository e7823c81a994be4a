"""Embedding related rows in a whole page of rows, with one statement a relation.

Rows are fetched by the keys of all parents at once, so a page of a hundred rows takes as many
statements as a page of one. If a parent has more related rows than the limit, only the first are
embedded, and their number beside them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.serializers.records import hide
from encore.serializers.relation_statements import Key, RelationStatements
from encore.serializers.serializer import RelatedSerializer, Serializer
from encore.sql.past import PastConnection
from encore.sql.past_statement import impossible
from encore.sql.unrecorded import is_unrecorded


@dataclass(slots=True)
class _RelatedRecords:
    """Related records by their parent's key, and the number of rows where not all are embedded."""

    by_key: dict[Key, list[Any]]
    counts: dict[Key, int]


class RelationLoader:
    """Embeds the related rows of one serializer's rows.

    Args:
        serializer: The serializer of the rows.
        dialect: The dialect to compile statements for.
    """

    def __init__(self, serializer: Serializer, dialect: Dialect) -> None:
        self._relations = {
            name: _RelationLoader(serializer, child, dialect)
            for name, child in serializer.children.items()
        }

    async def embed(
        self,
        connection: Connection,
        rows: Sequence[Row],
        records: Sequence[Any],
        wanted: Collection[str] | None = None,
    ) -> None:
        """Fetch the related rows of these rows and set them on their records.

        Args:
            connection: The connection to fetch with.
            rows: The rows as the database returned them, in the serializer's field order.
            records: The records of those rows, in the same order.
            wanted: The relations to embed; None for all.
        """
        if not rows:
            return
        for name, relation in self._relations.items():
            if wanted is None or name in wanted:
                await relation.embed(connection, rows, records)


class _RelationLoader:
    """Embeds the rows of one relation, and those related to them in turn."""

    def __init__(self, parent: Serializer, child: RelatedSerializer, dialect: Dialect) -> None:
        self._child = child
        self._statements = RelationStatements(parent, child, dialect)
        has_children = bool(child.serializer.children)
        self._loader = RelationLoader(child.serializer, dialect) if has_children else None

    async def embed(
        self, connection: Connection, rows: Sequence[Row], records: Sequence[Any]
    ) -> None:
        relation, indexes = self._child.relation, self._statements.key_indexes
        if isinstance(connection, PastConnection):
            self._check_recorded()
        keys = [tuple(row[index] for index in indexes) for row in rows]
        found = await self._fetch(connection, {key for key in keys if None not in key})
        for record, key in zip(records, keys, strict=True):
            related = found.by_key.get(key, ())
            value: Any = list(related) if relation.many else next(iter(related), None)
            setattr(record, relation.name, value)
            if found.counts and key in found.counts:
                setattr(record, self._child.count_name, found.counts[key])

    def _check_recorded(self) -> None:
        """Raise ``InvalidQuery`` if it is unknown which rows were related."""
        for column, _ in self._child.relation.pairs:
            if is_unrecorded(column):
                raise impossible(f"{column} is not recorded; leave out {self._child.relation.name}")

    async def _fetch(self, connection: Connection, keys: Collection[Key]) -> _RelatedRecords:
        """Fetch the related rows of parents with these keys."""
        if not keys:
            return _RelatedRecords({}, {})
        child, statements, serializer = self._child, self._statements, self._child.serializer
        width = statements.width
        fetched = await statements.fetch(connection, list(keys))
        if child.relation.has_duplicates:
            fetched = _without_duplicates(fetched, width, serializer)
        rows: list[Row] = [tuple(row)[width:] for row in fetched]
        records = serializer.read_rows(rows)
        by_key: dict[Key, list[Any]] = defaultdict(list)
        for row, record in zip(fetched, records, strict=True):
            by_key[tuple(row[:width])].append(record)
        counts: dict[Key, int] = {}
        if len(fetched) > child.limit:
            long = [key for key, group in by_key.items() if len(group) > child.limit]
            if long:
                rows, records = _cut(child.limit, by_key, long, rows, records)
                if child.relation.many:
                    counts = await statements.count(connection, long)
        if self._loader is not None:
            await self._loader.embed(connection, rows, records)
        hidden = serializer.hidden
        if isinstance(connection, PastConnection):
            fields = serializer.fields
            hidden += tuple(f.attribute for f in fields if is_unrecorded(f.column))
        if hidden:
            hide(records, hidden)
        return _RelatedRecords(by_key, counts)


def _cut(
    limit: int,
    by_key: dict[Key, list[Any]],
    long: Sequence[Key],
    rows: Sequence[Row],
    records: Sequence[Any],
) -> tuple[list[Row], list[Any]]:
    """Cut the records of these parents to the limit; return the rows and records that are left."""
    for key in long:
        del by_key[key][limit:]
    kept = {id(record) for group in by_key.values() for record in group}
    left = [(row, r) for row, r in zip(rows, records, strict=True) if id(r) in kept]
    return [row for row, _ in left], [record for _, record in left]


def _without_duplicates(fetched: Sequence[Row], width: int, serializer: Serializer) -> list[Row]:
    """Return the rows without those that the same parent has already, as the ORM does."""
    fields = list(serializer.fields)
    indexes = (*range(width), *(width + fields.index(field) for field in serializer.fields.key))
    seen: dict[Key, Row] = {}
    for row in fetched:
        seen.setdefault(tuple(row[index] for index in indexes), row)
    return list(seen.values())
