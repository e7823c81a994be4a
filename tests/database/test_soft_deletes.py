"""Statements of a dialect with soft-deleted tables: where deleted rows are left out."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Dialect, exists, select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql import ClauseElement

from encore.database.soft_deletes import DeletedRows, dialect_showing, register_soft_delete
from encore.database.sqlite.dialect import SqliteDialect
from encore.database.statement import Statement, param

METADATA = sa.MetaData()
BOOKS = sa.Table(
    "books",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("author", sa.String, index=True),
    sa.Column("deletedAt", sa.String),
)
LOANS = sa.Table(
    "loans",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("book_id", sa.Integer, index=True),
)
PARTS = sa.Table(
    "Parts", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("gone", sa.Date), schema="depot"
)
LIVE = '(SELECT * FROM books WHERE "deletedAt" IS NULL)'

PARTS_LEFT = '(SELECT * FROM depot."Parts" WHERE gone IS NULL)'
ON = "books_1.id = loans.book_id"
OF = "books.id = loans.book_id"


class Book:
    """Any class: statements of tables need none."""


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    made: Dialect = (
        SqliteDialect(paramstyle="qmark") if request.param == "sqlite" else PGDialect_asyncpg()  # type: ignore[no-untyped-call] # SQLAlchemy's
    )
    register_soft_delete(made, BOOKS.c.deletedAt, Book)
    register_soft_delete(made, PARTS.c.gone, Book)
    return made


def sql(clause: ClauseElement, dialect: Dialect) -> str:
    return " ".join(Statement(clause, dialect).sql.split())


ALIAS = BOOKS.alias()
CASES: list[tuple[Any, str]] = [
    (select(BOOKS.c.id), f"SELECT books.id FROM {LIVE} AS books"),
    (select(ALIAS.c.id), f"SELECT books_1.id FROM {LIVE} AS books_1"),
    (
        select(LOANS.c.id).join(BOOKS, BOOKS.c.id == LOANS.c.book_id),
        f"SELECT loans.id FROM loans JOIN {LIVE} AS books ON books.id = loans.book_id",
    ),
    (
        select(LOANS.c.id).outerjoin(ALIAS, ALIAS.c.id == LOANS.c.book_id),
        f"SELECT loans.id FROM loans LEFT OUTER JOIN {LIVE} AS books_1 ON {ON}",
    ),
    (
        select(LOANS.c.id).where(exists().where(BOOKS.c.id == LOANS.c.book_id)),
        f"SELECT loans.id FROM loans WHERE EXISTS (SELECT * FROM {LIVE} AS books WHERE {OF})",
    ),
    (
        select(PARTS.c.id).where(PARTS.c.id.is_not(None)),
        f'SELECT "Parts".id FROM {PARTS_LEFT} AS "Parts" WHERE "Parts".id IS NOT NULL',
    ),
    (
        BOOKS.delete().where(BOOKS.c.author.is_(None)),
        'DELETE FROM books WHERE books.author IS NULL AND books."deletedAt" IS NULL',
    ),
    (
        PARTS.delete().where(PARTS.c.id.is_(None)),
        'DELETE FROM depot."Parts" WHERE "Parts".id IS NULL AND "Parts".gone IS NULL',
    ),
    (
        LOANS.insert().from_select(["id"], select(BOOKS.c.id)),
        f"INSERT INTO loans (id) SELECT books.id FROM {LIVE} AS books",
    ),
    (select(LOANS.c.id), "SELECT loans.id FROM loans"),
]


@pytest.mark.parametrize(("clause", "expected"), CASES)
def test_statement_leaves_deleted_rows_out(clause: Any, expected: str, dialect: Dialect) -> None:
    assert sql(clause, dialect) == expected


def test_update_changes_rows_that_are_not_deleted(dialect: Dialect) -> None:
    clause = BOOKS.update().values(author=param(0, sa.String()))
    assert sql(clause, dialect).endswith('WHERE books."deletedAt" IS NULL')
    only = dialect_showing(dialect, DeletedRows.ONLY)
    assert sql(clause, only).endswith('WHERE books."deletedAt" IS NOT NULL')
    for rows in (DeletedRows.WITH, DeletedRows.STORED):
        assert "deletedAt" not in sql(clause, dialect_showing(dialect, rows))


def test_other_rows_are_those_of_the_outermost_select_alone(dialect: Dialect) -> None:
    clause = select(BOOKS.c.id).where(BOOKS.c.author.in_(select(ALIAS.c.author)))
    inner = f"IN (SELECT books_1.author FROM {LIVE} AS books_1)"
    with_ = sql(clause, dialect_showing(dialect, DeletedRows.WITH))
    assert with_ == f"SELECT books.id FROM books WHERE books.author {inner}"
    only = sql(clause, dialect_showing(dialect, DeletedRows.ONLY))
    deleted = LIVE.replace("IS NULL", "IS NOT NULL")
    assert only == f"SELECT books.id FROM {deleted} AS books WHERE books.author {inner}"
    stored = sql(clause, dialect_showing(dialect, DeletedRows.STORED))
    assert "deletedAt" not in stored


def test_dialect_without_soft_deletes_keeps_its_compiler() -> None:
    dialect = SqliteDialect()
    compiler = dialect.statement_compiler
    dialect_showing(dialect, DeletedRows.STORED)
    assert dialect.statement_compiler is compiler


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as opened:
        METADATA.create_all(opened)
        yield opened.connection.driver_connection  # type: ignore[misc] # SQLAlchemy's is Any
    engine.dispose()


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (select(BOOKS.c.id).where(BOOKS.c.id == 1), "SEARCH books USING INTEGER PRIMARY KEY"),
        (
            select(BOOKS.c.id).where(BOOKS.c.author == "a").order_by(BOOKS.c.id).limit(2),
            "SEARCH books USING INDEX ix_books_author",
        ),
        (
            select(BOOKS.c.id).where(exists().where(LOANS.c.book_id == BOOKS.c.id)),
            "ix_loans_book_id",
        ),
        (
            select(LOANS.c.id).where(exists().where(ALIAS.c.id == LOANS.c.book_id)),
            "SEARCH books USING INTEGER PRIMARY KEY",
        ),
    ],
)
def test_plan_of_sqlite_is_that_of_a_condition(
    clause: Any, expected: str, connection: sqlite3.Connection
) -> None:
    dialect = SqliteDialect(paramstyle="qmark")
    register_soft_delete(dialect, BOOKS.c.deletedAt, Book)
    statement = Statement(clause, dialect)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.bind(()))
    plan = "\n".join(row[3] for row in rows)
    assert expected in plan
    assert "MATERIALIZE" not in plan
    assert "CO-ROUTINE" not in plan
