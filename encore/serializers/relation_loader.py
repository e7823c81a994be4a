"""Embedding: the related rows of a whole page, one statement a relation.

Rows are fetched by the parents' keys and handed out, so a page of a hundred costs as many
statements as a page of one. Of a parent with very many related rows only the first are shown, and
beside them how many there are.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from encore.database.connection import Connection
from encore.database.statement import Row
from encore.serializers.records import hide
from encore.serializers.relation_statements import Key
from encore.serializers.serializer import RelatedSerializer, Serializer


@dataclass(slots=True)
class _Found:
    """Related records under each parent's key, and the counts of those that were cut."""

    records: dict[Key, list[Any]]
    counts: dict[Key, int]


class RelationLoader:
    """Embeds the children of a view."""

    def __init__(self, serializer: Serializer) -> None:
        self._serializer = serializer

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
        await _embed(connection, self._serializer, rows, records, wanted)


async def _embed(
    connection: Connection,
    serializer: Serializer,
    rows: Sequence[Row],
    records: Sequence[Any],
    wanted: Collection[str] | None = None,
) -> None:
    for name, child in serializer.children.items():
        if rows and (wanted is None or name in wanted):
            await _embed_one(connection, child, rows, records)


async def _embed_one(
    connection: Connection, child: RelatedSerializer, rows: Sequence[Row], records: Sequence[Any]
) -> None:
    relation, places = child.relation, child.fetching.places
    keys = [tuple(row[place] for place in places) for row in rows]
    found = await _fetch(connection, child, {key for key in keys if None not in key})
    for record, key in zip(records, keys, strict=True):
        related = found.records.get(key, ())
        value: Any = list(related) if relation.many else next(iter(related), None)
        setattr(record, relation.name, value)
        if found.counts and key in found.counts:
            setattr(record, child.count_name, found.counts[key])


async def _fetch(connection: Connection, child: RelatedSerializer, keys: Collection[Key]) -> _Found:
    """Fetch the related rows of these keys."""
    if not keys:
        return _Found({}, {})
    fetching, serializer = child.fetching, child.serializer
    width = fetching.width
    fetched = await fetching.fetch(connection, list(keys))
    if child.relation.repeats:
        fetched = _first_of_each(fetched, width, serializer)
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
                counts = await fetching.count(connection, long)
    if serializer.children:
        await _embed(connection, serializer, rows, records)
    if serializer.hidden:
        hide(records, serializer.hidden)
    return _Found(by_key, counts)


def _cut(
    limit: int,
    by_key: dict[Key, list[Any]],
    long: Sequence[Key],
    rows: Sequence[Row],
    records: Sequence[Any],
) -> tuple[list[Row], list[Any]]:
    """Leave these parents no more records than the limit; return the rows and records left."""
    for key in long:
        del by_key[key][limit:]
    kept = {id(record) for group in by_key.values() for record in group}
    left = [(row, one) for row, one in zip(rows, records, strict=True) if id(one) in kept]
    return [row for row, _ in left], [one for _, one in left]


def _first_of_each(fetched: Sequence[Row], width: int, serializer: Serializer) -> list[Row]:
    """Leave out the rows that one parent was given before: the ORM gives each row once."""
    fields = list(serializer.fields)
    places = (*range(width), *(width + fields.index(field) for field in serializer.fields.key))
    seen: dict[Key, Row] = {}
    for row in fetched:
        seen.setdefault(tuple(row[place] for place in places), row)
    return list(seen.values())
