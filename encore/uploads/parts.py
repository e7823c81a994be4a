"""A large partial upload in parts, each in a transaction of its own: writers get in between.

A partial upload promises each row for itself; only so many of them keep others waiting at a time.
All rows are read, and judged by themselves and by one another, before the first part. Then the
stage is set aside as the backlog, and an empty one takes its place, through which the rows pass;
what became of them is kept in a third table, which takes the stage's place at the end.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    text,
)

from encore.database.protocol import BulkConnection
from encore.database.statement import Statement, param
from encore.uploads.staging_table import CREATED, StagingTable

DEFAULT_PART_ROWS: Final = 10_000
"""How many rows are written at a time; as many as an upload with an idempotency key may have."""


class Parts:
    """The parts of one resource's partial uploads.

    Args:
        stage: Holds one part at a time.
        rows: The most rows of a part; None to write all at once, whatever their number.
    """

    def __init__(self, stage: StagingTable, rows: int | None) -> None:
        self.rows = rows
        table = self._stage = stage.table
        backlog = table.to_metadata(MetaData(), name="uploaded_backlog")
        kept = [column.name for column in (stage.line, stage.status, stage.errors, stage.given)]
        kept.append(stage.id.name)
        self._done = Table(
            "uploaded_done",
            MetaData(),
            *(Column(name, table.c[name].type, primary_key=name == kept[0]) for name in kept),
            prefixes=["TEMPORARY"],
        )
        there = backlog.c[stage.line.name]
        status = backlog.c[stage.status.name]
        name = stage.dialect.identifier_preparer.format_table

        def compiled(clause: Any) -> Statement:
            return Statement(clause, stage.dialect)

        def copying(into: Table, rows: Any) -> Statement:
            names = [column.name for column in into.columns]
            return compiled(insert(into).from_select(names, rows, include_defaults=False))

        def of_done(source: Table) -> Any:
            return select(*(source.c[name] for name in kept))

        waiting = (status == param(0, status.type), there > param(1, Integer()))
        part = select(*backlog.columns).where(*waiting).order_by(there).limit(param(2, Integer()))
        self._take = copying(table, part)
        self._pass_over = copying(
            self._done, of_done(backlog).where(status != literal(CREATED, String))
        )
        self._finish = copying(self._done, of_done(table))
        self._empty = compiled(delete(table))
        self._span = compiled(
            select(
                select(func.min(stage.line)).scalar_subquery(),
                select(func.max(stage.line)).scalar_subquery(),
            )
        )
        self._set_aside = compiled(text(f"ALTER TABLE {name(table)} RENAME TO {name(backlog)}"))
        self._show = compiled(text(f"ALTER TABLE {name(self._done)} RENAME TO {name(table)}"))
        self._drop = compiled(text(f"DROP TABLE IF EXISTS {name(backlog)}"))

    @asynccontextmanager
    async def each(self, bulk: BulkConnection) -> AsyncIterator[AsyncIterator[tuple[int, int]]]:
        """Have the parts, one after another on the stage; behind the block, what became of all.

        Yields:
            The first and the last line of each part; once the next one is asked for, what became
            of the rows of this one is kept.
        """
        await bulk.execute(self._set_aside, ())
        try:
            async with bulk.temporary(self._done):
                await bulk.execute(self._pass_over, ())
                async with bulk.temporary(self._stage):
                    yield self._spans(bulk)
                await bulk.execute(self._show, ())
        finally:
            await bulk.execute(self._drop, ())

    async def _spans(self, bulk: BulkConnection) -> AsyncIterator[tuple[int, int]]:
        last = 0
        while await bulk.execute(self._take, (CREATED, last, self.rows)):
            span = await bulk.fetch_one(self._span, ())
            assert span is not None  # noqa: S101 - it has no FROM: there is one row
            first, last = span
            yield first, last
            async with bulk.transaction():
                await bulk.execute(self._finish, ())
                await bulk.execute(self._empty, ())
