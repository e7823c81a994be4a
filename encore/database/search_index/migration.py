"""Creating and dropping search indexes, in migrations and with ``create_all``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Executable, Table, event, text

from encore.database.search_index import postgresql, sqlite
from encore.database.search_index.index import SearchIndex, is_part_of_search_index


class Operations(Protocol):
    """The methods of ``alembic.op`` that are used here."""

    def execute(self, sqltext: Any) -> None:
        """Run a statement, or print it (``alembic upgrade --sql``)."""
        ...

    def get_context(self) -> Any:
        """Return the migration's context, which has the dialect."""
        ...


def create_search_index(
    op: Operations, table: str, columns: Sequence[str], *, schema: str | None = None
) -> None:
    """Create the search index of a table, and fill it.

    On SQLite other writers wait meanwhile, on PostgreSQL writers of this table: about half a minute
    for 1,000,000 rows of 70 characters.

    Args:
        op: ``alembic.op``.
        table: The table's name.
        columns: The names of its columns that are searched.
        schema: The table's schema, on PostgreSQL.

    Raises:
        ValueError: One of the databases could not index a table or column of that name.
    """
    index = SearchIndex(table, tuple(columns), schema)
    _run(op.execute, _statements_of(op.get_context().dialect).statements_to_create(index))


def drop_search_index(op: Operations, table: str, *, schema: str | None = None) -> None:
    """Drop the search index of a table, or its remains; see ``create_search_index``."""
    _run(op.execute, _statements_of(op.get_context().dialect).statements_to_drop(table, schema))


def add_search_index(table: Any, columns: Sequence[str]) -> None:
    """Have ``create_all`` create the search index of a table, and ``drop_all`` drop it.

    For tests and development; elsewhere a migration creates it.

    Args:
        table: ``Model.__table__``.
        columns: The names of its columns that are searched.
    """
    if not isinstance(table, Table):
        raise TypeError("must be a Table, such as Model.__table__")
    index = SearchIndex(table.name, tuple(columns), table.schema)

    def create(_: Table, connection: Connection, **__: Any) -> None:
        _run(connection.execute, _statements_of(connection.dialect).statements_to_create(index))

    def drop(_: Table, connection: Connection, **__: Any) -> None:
        statements = _statements_of(connection.dialect)
        _run(connection.execute, statements.statements_to_drop(index.table, index.schema))

    event.listen(table, "after_create", create)
    event.listen(table, "before_drop", drop)


def exclude_search_indexes(name: str | None, type_: str, _: Any) -> bool:
    """Return whether autogenerate compares a table or index; for Alembic's ``include_name``.

    Search indexes are in no metadata, so autogenerate would drop them.
    """
    return not (type_ in ("table", "index") and name is not None and is_part_of_search_index(name))


class _Statements(Protocol):
    """The module of a database."""

    def statements_to_create(self, index: SearchIndex) -> Iterator[str]: ...

    def statements_to_drop(self, table: str, schema: str | None, /) -> Iterator[str]: ...


def _statements_of(dialect: Dialect) -> _Statements:
    modules: dict[str, _Statements] = {"sqlite": sqlite, "postgresql": postgresql}
    if dialect.name not in modules:
        raise ValueError(f"search indexes are unsupported on {dialect.name}")
    return modules[dialect.name]


def _run(execute: Callable[[Executable], object], statements: Iterable[str]) -> None:
    for sql in statements:
        execute(text(sql.replace(":", r"\:")))
