"""Checks of the tables behind the resources: sizes, and columns that lack an index.

No table is scanned: the number of rows is an estimate, from PostgreSQL's statistics or SQLite's
highest rowid. SQLite computes a table's size by reading all its pages, so it is omitted for large
files.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Inspector, Table, inspect, text

from encore.database.urls import sqlite_path
from encore.doctor.check_result import CheckResult, note, ok
from encore.execution.resource import Resource
from encore.service.inspection import inspect_database

LARGE: Final = 10_000
"""From this many rows on, a scan takes longer than all else of a request."""

_LARGE_FILE: Final = 256 * 1024**2
_POSTGRES: Final = text(
    "SELECT reltuples::bigint, pg_total_relation_size(oid) FROM pg_class"
    " WHERE oid = to_regclass(:name)"
)
_SQLITE: Final = text("SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name = :name")


@dataclass(slots=True)
class TableUse:
    """A table and what its resources let callers filter, sort and search by.

    Attributes:
        table: The table.
        columns: The columns that rows are filtered or sorted by.
        searches: The search parameters that compare every row.
    """

    table: Table
    columns: dict[str, None] = field(default_factory=dict)
    searches: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Size:
    """The estimated size of a table; None for unknown values."""

    rows: int | None
    size: int | None

    def __str__(self) -> str:
        rows = "rows not counted yet" if self.rows is None else f"about {self.rows:,} rows"
        return rows if self.size is None else f"{rows}, {self.size / 1024**2:,.1f} MiB"


def check_tables(url: str, resources: list[Resource]) -> list[CheckResult]:
    """Return a line for each table, the largest first; a note where a large one lacks indexes.

    Args:
        url: The database's, which is at the newest revision.
        resources: Those of the service.
    """
    results: list[CheckResult] = []

    def look(connection: Connection) -> None:
        inspector = inspect(connection)
        sized = [(use, _size(connection, use.table, url)) for use in _uses(resources)]
        sized.sort(key=lambda one: (-(one[1].size or 0), -(one[1].rows or 0)))
        results.extend(_result_of(use, size, inspector) for use, size in sized)

    inspect_database(url, look)
    return results


def _uses(resources: list[Resource]) -> list[TableUse]:
    uses: dict[Table, TableUse] = {}
    for resource in resources:
        if resource.is_view:
            continue
        table = resource.fields.table
        use = uses.setdefault(table, TableUse(table))
        filtered = [
            one for one in resource.serializer.names.fields.values() if one.codec.is_comparable
        ]
        sorted_by = [one.field for one in resource.parser.sortable.values() if not one.path]
        columns = (one.column for one in (*filtered, *sorted_by) if not one.computed)
        use.columns |= {column.name: None for column in columns if column.table is table}
        use.searches |= {
            search.parameter: None
            for search in resource.searches
            if search.index is None and search.operator.values == "text"
        }
    return list(uses.values())


def _size(connection: Connection, table: Table, url: str) -> Size:
    name = connection.dialect.identifier_preparer.format_table(table)
    path = sqlite_path(url)
    if path is None:
        rows, size = connection.execute(_POSTGRES, {"name": name}).one()
        return Size(None if rows < 0 else rows, size)
    return Size(_highest_rowid(connection, name), _pages(connection, table.name, path))


def _highest_rowid(connection: Connection, name: str) -> int | None:
    try:
        highest = connection.exec_driver_sql(f"SELECT max(rowid) FROM {name}").scalar()  # noqa: S608 - a table of the models
    except Exception:  # noqa: BLE001 - WITHOUT ROWID
        return None
    return highest or 0


def _pages(connection: Connection, name: str, path: Path) -> int | None:
    if path.stat().st_size > _LARGE_FILE:
        return None
    try:
        size: Any = connection.execute(_SQLITE, {"name": name}).scalar()
    except Exception:  # noqa: BLE001 - SQLite is built without dbstat
        return None
    return None if size is None else int(size)


def _result_of(use: TableUse, size: Size, inspector: Inspector) -> CheckResult:
    subject = f"table {use.table.name}"
    lacking = ", ".join(_without_index(use, inspector))
    if size.rows is None or size.rows < LARGE or not (lacking or use.searches):
        return ok(subject, str(size))
    texts = [f"no index serves filters and sorts by {lacking}"] if lacking else []
    texts += [f"{name} compares every row (docs/how-to/search-indexes.md)" for name in use.searches]
    return note(subject, f"{size}; {'; '.join(texts)}")


def _without_index(use: TableUse, inspector: Inspector) -> Iterator[str]:
    table, schema = use.table.name, use.table.schema
    firsts = {*inspector.get_pk_constraint(table, schema)["constrained_columns"][:1]}
    indexes: list[Any] = [
        *inspector.get_indexes(table, schema),
        *inspector.get_unique_constraints(table, schema),
    ]
    for index in indexes:
        firsts |= set(index["column_names"][:1])
    yield from (column for column in use.columns if column not in firsts)
