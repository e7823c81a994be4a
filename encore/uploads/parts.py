"""The parts of a large partial upload: each is merged in a transaction of its own."""

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
"""The rows of a part; as many as an upload with an idempotency key may have."""


class Parts:
    """Splits large partial uploads into parts, each with its own transaction.

    Other writers get their turn between two parts. All rows are read, and validated one by one,
    before the first part. Then the staging table becomes the backlog, and an empty staging table
    takes one part after another from it. The results are kept in a third table, which replaces the
    staging table at the end.

    Args:
        staging: The staging table.
        rows: The most rows of a part; None never splits an upload.
    """

    def __init__(self, staging: StagingTable, rows: int | None) -> None:
        self.rows = rows
        table = self._table = staging.table
        backlog = table.to_metadata(MetaData(), name="uploaded_backlog")
        columns = (staging.line, staging.status, staging.errors, staging.field_mask, staging.id)
        names = [column.name for column in columns]
        self._results = Table(
            "uploaded_results",
            MetaData(),
            *(Column(name, table.c[name].type, primary_key=name == names[0]) for name in names),
            prefixes=["TEMPORARY"],
        )
        line, status = backlog.c[staging.line.name], backlog.c[staging.status.name]
        quoted = staging.dialect.identifier_preparer.format_table

        def compiled(clause: Any) -> Statement:
            return Statement(clause, staging.dialect)

        def copy(into: Table, rows: Any) -> Statement:
            targets = [column.name for column in into.columns]
            return compiled(insert(into).from_select(targets, rows, include_defaults=False))

        def results(source: Table) -> Any:
            return select(*(source.c[name] for name in names))

        next_rows = (
            select(*backlog.columns)
            .where(status == param(0, status.type), line > param(1, Integer()))
            .order_by(line)
            .limit(param(2, Integer()))
        )
        self._take_part = copy(table, next_rows)
        self._keep_rejected = copy(
            self._results, results(backlog).where(status != literal(CREATED, String))
        )
        self._keep_part = copy(self._results, results(table))
        self._empty = compiled(delete(table))
        self._range = compiled(
            select(
                select(func.min(staging.line)).scalar_subquery(),
                select(func.max(staging.line)).scalar_subquery(),
            )
        )
        rename = "ALTER TABLE {} RENAME TO {}"
        self._set_aside = compiled(text(rename.format(quoted(table), quoted(backlog))))
        self._show_results = compiled(text(rename.format(quoted(self._results), quoted(table))))
        self._drop = compiled(text(f"DROP TABLE IF EXISTS {quoted(backlog)}"))

    @asynccontextmanager
    async def split(self, bulk: BulkConnection) -> AsyncIterator[AsyncIterator[tuple[int, int]]]:
        """Iterate over the parts; after the block, the staging table has the results of all rows.

        Yields:
            The first and the last line of each part, which the staging table then holds; its
            results are kept when the next one is requested.
        """
        await bulk.execute(self._set_aside, ())
        try:
            async with bulk.temporary(self._results):
                await bulk.execute(self._keep_rejected, ())
                async with bulk.temporary(self._table):
                    yield self._parts(bulk)
                await bulk.execute(self._show_results, ())
        finally:
            await bulk.execute(self._drop, ())

    async def _parts(self, bulk: BulkConnection) -> AsyncIterator[tuple[int, int]]:
        last = 0
        while await bulk.execute(self._take_part, (CREATED, last, self.rows)):
            ((first, last),) = await bulk.fetch_all(self._range, ())
            yield first, last
            async with bulk.transaction():
                await bulk.execute(self._keep_part, ())
                await bulk.execute(self._empty, ())
