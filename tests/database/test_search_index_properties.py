"""A search index finds what a scan of the table finds, whatever was written and by whom."""

import sqlite3
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import SearchOptions
from encore.database.search_index import add_search_index
from encore.database.search_index.folding import fold
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Node(Base):
    __tablename__ = "nodes"
    __table_args__ = (sa.UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None]
    name: Mapped[str | None]
    note: Mapped[str | None]
    parent_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("nodes.id", ondelete="CASCADE", onupdate="CASCADE")
    )


add_search_index(Node.__table__, ["name", "note"])

IDS = st.integers(1, 6)
TEXTS = st.one_of(
    st.none(),
    st.lists(st.sampled_from(["abc", "ABC", "bcd", "ÄÖÜ", "äöü", "σςΣ", "x", " "]), max_size=3).map(
        "".join
    ),
)
CODES = st.sampled_from([None, "a", "b", "c"])
PARENTS = st.one_of(st.none(), IDS)
TERMS = ["abc", "cab", "bcd", "äöü", "ςΣσ", "x x", "cÄÖ", "abcabc"]

NODE = sa.table("nodes", *(sa.column(name) for name in ("id", "code", "name", "note", "parent_id")))
VALUES = st.fixed_dictionaries({"code": CODES, "name": TEXTS, "note": TEXTS, "parent_id": PARENTS})
OPERATIONS = st.one_of(
    st.tuples(st.just("insert"), IDS, VALUES),
    st.tuples(st.just("replace"), IDS, VALUES),
    st.tuples(st.just("ignore"), IDS, VALUES),
    st.tuples(st.just("upsert"), IDS, VALUES),
    st.tuples(st.just("update"), IDS, VALUES),
    st.tuples(st.just("update or replace"), IDS, VALUES),
    st.tuples(st.just("rekey"), IDS, IDS),
    st.tuples(st.just("delete"), IDS, st.none()),
    st.tuples(st.just("clear"), st.none(), st.none()),
    st.tuples(st.just("undo"), IDS, VALUES),
)


def _insert(key: int, values: Any) -> sa.Insert:
    return sa.insert(NODE).values(id=key, **values)


def _upsert(key: int, values: Any, *, sqlite: bool) -> sa.Executable:
    insert: Any = sqlite_dialect.insert if sqlite else postgresql.insert
    upsert: sa.Executable = (
        insert(NODE)
        .values(id=key, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
    return upsert


def statement(kind: str, key: Any, values: Any, *, sqlite: bool) -> sa.Executable:
    """Return what another program might write."""
    same = NODE.c.id == key
    match kind:
        case "insert" | "undo":
            made: sa.Executable = _insert(key, values)
        case "replace" | "ignore":
            made = _insert(key, values)
            made = made.prefix_with(f"OR {kind.upper()}") if sqlite else made
        case "upsert":
            made = _upsert(key, values, sqlite=sqlite)
        case "delete":
            made = sa.delete(NODE).where(same)
        case "clear":
            made = sa.delete(NODE)
        case "rekey":  # SQLite knows the key under another name too.
            name = "rowid" if sqlite else "id"
            made = sa.text(f"UPDATE nodes SET {name} = {values:d} WHERE id = {key:d}")
        case _:
            update = sa.update(NODE).values(values).where(same)
            made = update.prefix_with("OR REPLACE") if sqlite and kind != "update" else update
    return made


def run(api: ModelApi, operations: list[tuple[str, Any, Any]]) -> None:
    def work(session: Any) -> None:
        connection = session.connection()
        for kind, key, values in operations:
            part = connection.begin_nested()
            try:
                connection.execute(statement(kind, key, values, sqlite=api.is_sqlite))
            except sa.exc.IntegrityError:
                part.rollback()
            else:
                part.rollback() if kind == "undo" else part.commit()

    api.orm(work)


def check(api: ModelApi) -> None:
    rows = api.rows(Node)
    for term in TERMS:
        expected = [
            row["id"]
            for row in rows
            if any(fold(term) in fold(row[name] or "") for name in ("name", "note"))
        ]
        found = api.get("/nodes", params={"q": term, "sort": "id"})
        assert [row["id"] for row in found.json()] == expected, term
    if api.is_sqlite:
        api.sql("INSERT INTO nodes_search_index (nodes_search_index) VALUES ('integrity-check')")


def test_search_index_equals_scan_after_any_writes(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Node, search=SearchOptions(attributes=["name", "note"], index=True))

    @settings(
        max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.lists(st.lists(OPERATIONS, max_size=6), max_size=4))
    def holds(transactions: list[list[tuple[str, Any, Any]]]) -> None:
        run(api, [("clear", None, None)])
        for operations in transactions:
            run(api, operations)
            check(api)

    holds()


def test_search_index_survives_vacuum_and_another_program(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Node, search=SearchOptions(attributes=["name"], index=True))
    texts = ["one two three", "two three four", "three four five"]
    api.orm(lambda s: s.add_all(Node(id=10 * n, name=t) for n, t in enumerate(texts, 1)))
    if not api.is_sqlite:
        api.sql("DELETE FROM nodes WHERE id = 10")
        assert [row["id"] for row in api.get("/nodes?q=three&sort=id").json()] == [20, 30]
        return
    other = sqlite3.connect(api.url.removeprefix("sqlite:///"))
    other.execute("DELETE FROM nodes WHERE id = 10")
    other.execute("UPDATE nodes SET name = upper(name)")
    other.commit()
    other.execute("VACUUM")
    other.execute("INSERT OR REPLACE INTO nodes (id, name) VALUES (20, 'Drei')")
    other.commit()
    other.close()
    for term, expected in (("three", [30]), ("drei", [20]), ("one", [])):
        assert [row["id"] for row in api.get(f"/nodes?q={term}").json()] == expected
