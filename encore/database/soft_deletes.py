"""Soft deletes: tables whose deleted rows stay stored, and are left out of every statement.

A table is registered with the column that says when a row was deleted. From then on, each
statement that is compiled for the dialect reads the table without its deleted rows, wherever the
table occurs: in FROM, in subqueries, in joins, under an alias; UPDATE and DELETE change rows that
are not deleted. So nothing that builds statements needs to know of it.

A statement that needs other rows is compiled for another dialect: ``dialect_showing(dialect, …)``.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, cast

from sqlalchemy import Column, Dialect, FromClause, Table
from sqlalchemy.sql.compiler import SQLCompiler

_REGISTRY: Final = "encore_soft_deletes"
_ROWS: Final = "encore_soft_deleted_rows"


class DeletedRows(Enum):
    """Which rows of soft-deleted tables a statement finds.

    ``WITH`` and ``ONLY`` concern the tables in FROM of the outermost SELECT that have no alias, and
    the table of an UPDATE or DELETE; everywhere else deleted rows are left out. ``STORED`` leaves
    out nothing.
    """

    WITHOUT = "without"
    WITH = "with"
    ONLY = "only"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class DeclaredRows:
    """What one resource says about its rows.

    Attributes:
        resource: The name of the resource.
        tables: The tables of its rows.
        column: The name of the column that says when a row was deleted; None if it deletes rows.
        writes: Whether it writes rows.
    """

    resource: str
    tables: frozenset[Table]
    column: str | None
    writes: bool


@dataclass(slots=True, eq=False)
class SoftDeletes:
    """The soft-deleted tables of one database.

    Attributes:
        columns: The column that says when a row was deleted, by table.
        models: A mapped class with that column, by table.
        declared: What the resources of the database say about their rows.
    """

    columns: dict[Table, Column[Any]] = field(default_factory=dict)
    models: dict[Table, type[Any]] = field(default_factory=dict)
    declared: list[DeclaredRows] = field(default_factory=list)
    _dialects: dict[DeletedRows, Dialect] = field(default_factory=dict)

    def column_of(self, tables: Iterable[Any]) -> Column[Any] | None:
        """Return the column of the one of these tables that is soft-deleted; None if none is."""
        return next((self.columns[table] for table in tables if table in self.columns), None)

    def __contains__(self, column: object) -> bool:
        """Return whether a column says when rows were deleted."""
        return any(column is own for own in self.columns.values())


def soft_deletes_of(dialect: Dialect) -> SoftDeletes:
    """Return the soft-deleted tables of the database that has this dialect."""
    found = vars(dialect).get(_REGISTRY)
    if found is None:
        found = SoftDeletes()
        setattr(dialect, _REGISTRY, found)
    return cast("SoftDeletes", found)


def register_soft_delete(dialect: Dialect, column: Column[Any], model: type[Any]) -> None:
    """Leave the rows in which a column is not null out of every statement of the dialect.

    Args:
        dialect: The dialect of the database.
        column: The column of a table.
        model: A mapped class with that column, the base class of its hierarchy if possible.
    """
    registry = soft_deletes_of(dialect)
    registry.columns[column.table] = column
    registry.models.setdefault(column.table, model)
    _install(dialect)


def dialect_showing(dialect: Dialect, rows: DeletedRows) -> Dialect:
    """Return the dialect for statements that find other rows."""
    registry = soft_deletes_of(dialect)
    shown = registry._dialects.get(rows)  # noqa: SLF001 - of this module
    if shown is None:
        shown = copy(dialect)
        _install(shown)
        setattr(shown, _ROWS, rows)
        registry._dialects[rows] = shown  # noqa: SLF001 - of this module
    return shown


def _install(dialect: Dialect) -> None:
    compiler = dialect.statement_compiler
    if not issubclass(compiler, _SoftDeleteCompiler):
        bases = (_SoftDeleteCompiler, compiler)
        dialect.statement_compiler = type("SoftDeleteCompiler", bases, {})


class _SoftDeleteCompiler(SQLCompiler):
    """Compiles each soft-deleted table as a SELECT of its rows.

    Both databases flatten such a SELECT: plans are those of a condition in WHERE.
    """

    def visit_table(self, table: Any, **options: Any) -> str:  # type: ignore[override] # all are keywords
        """Return a table, as SQL."""
        text = super().visit_table(table, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's
        if not options.get("asfrom") or options.get("iscrud") or options.get("ashint"):
            return str(text)
        alias = options.get("enclosing_alias")
        is_aliased = alias is not None and alias.element is table
        condition = self._condition(table, is_own=len(self.stack) <= 1 and not is_aliased)
        if condition is None:
            return str(text)
        rows = f"(SELECT * FROM {text} WHERE {condition})"  # noqa: S608 - quoted names of the model
        if is_aliased:
            return rows
        name = self.preparer.quote(table.name)
        return rows + str(self.get_render_as_alias_suffix(name))  # type: ignore[no-untyped-call] # SQLAlchemy's

    def visit_column(self, column: Any, *arguments: Any, **options: Any) -> str:
        """Return a column, as SQL; the SELECT of a table has the table's name, but no schema."""
        text = super().visit_column(column, *arguments, **options)
        table = column.table
        if isinstance(table, Table) and table in self._columns:
            schema = self.preparer.schema_for_object(table)
            return text.removeprefix(f"{self.preparer.quote_schema(schema)}.") if schema else text
        return text

    def visit_update(self, update_stmt: Any, *arguments: Any, **options: Any) -> str:
        """Return an UPDATE, as SQL."""
        return super().visit_update(self._narrowed(update_stmt), *arguments, **options)

    def visit_delete(self, delete_stmt: Any, *arguments: Any, **options: Any) -> str:
        """Return a DELETE, as SQL."""
        text = super().visit_delete(self._narrowed(delete_stmt), *arguments, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's
        return str(text)

    @property
    def _columns(self) -> dict[Table, Column[Any]]:
        return soft_deletes_of(self.dialect).columns

    @property
    def _rows(self) -> DeletedRows:
        return cast("DeletedRows", getattr(self.dialect, _ROWS, DeletedRows.WITHOUT))

    def _condition(self, table: FromClause, *, is_own: bool) -> str | None:
        """Return the condition of the rows of a table; None for all rows.

        Args:
            table: The table.
            is_own: Whether it is in FROM of the outermost SELECT, without an alias.
        """
        column = self._columns.get(cast("Table", table))
        rows = self._rows
        if column is None or rows is DeletedRows.STORED:
            return None
        if is_own and rows is DeletedRows.WITH:
            return None
        negation = "NOT " if is_own and rows is DeletedRows.ONLY else ""
        return f"{self.preparer.quote(column.name)} IS {negation}NULL"

    def _narrowed(self, statement: Any) -> Any:
        column = self._columns.get(statement.table)
        match self._rows:
            case DeletedRows.WITHOUT if column is not None:
                return statement.where(column.is_(None))
            case DeletedRows.ONLY if column is not None:
                return statement.where(column.is_not(None))
        return statement
