"""``SearchOptions(index=True)``: the application starts only with a valid search index."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore import ConfigurationError, Crud, SearchOptions
from encore.database.search_index import SearchIndex, add_search_index
from encore.database.search_index.sqlite import statements_to_create
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Upper(sa.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, _: sa.Dialect) -> str | None:
        return None if value is None else value.upper()


class Writer(Base):
    __tablename__ = "writers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    blurb: Mapped[str | None]
    shelf: Mapped[str | None] = mapped_column(Upper)
    pages: Mapped[int | None]
    writer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("writers.id"))
    writer: Mapped[Writer | None] = relationship()

    @hybrid_property
    def heading(self) -> Any:
        return self.title


def expose(api: ModelApi, model: Any = Book, **options: Any) -> None:
    search = SearchOptions(attributes=options.pop("attributes", ["title"]), index=True, **options)
    api.crud.resource(model, search=search, include=[])


def start(api: ModelApi) -> None:
    """Start the application, as a server would."""

    async def scenario() -> None:
        async with api.app.router.lifespan_context(api.app):
            pass

    api.run(scenario())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": 1}, "index: must be true or false"),
        ({"operator": "startswith"}, "index: serves the operator ilike, not 'startswith'"),
        ({"operator": "notLike"}, "index: serves the operator ilike, not 'notLike'"),
        ({"operator": "eq"}, "index: serves the operator ilike, not 'eq'"),
        ({"override": "STARTS_WITH"}, "index: serves the operator ilike"),
        ({"attributes": ["writer.name"]}, "index: 'writer.name' is of another table"),
        ({"attributes": ["heading"]}, "index: 'heading' is not a column of books"),
        ({"attributes": ["shelf"]}, "index: the type of 'shelf' stores strings in another form"),
        ({"attributes": ["pages"]}, "'pages' has no operator"),
    ],
)
def test_invalid_search_index_option_stops_start(
    serve: Serve, options: dict[str, Any], message: str
) -> None:
    api = serve(Base.metadata)
    search = SearchOptions(**{"attributes": ["title"], "index": True, **options})
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        api.crud.resource(Book, search=search, include=["writer"])


def test_missing_search_index_stops_start(serve: Serve) -> None:
    api = serve(Base.metadata)
    expose(api)
    with pytest.raises(ConfigurationError) as failure:
        start(api)
    assert str(failure.value) == (
        "resource Book: option search: index: the table books has no search index;"
        " create it in a migration: create_search_index(op, 'books', ['title'])"
    )


def with_index(serve: Serve, *ddl: str, columns: tuple[str, ...] = ("title", "blurb")) -> ModelApi:
    """Return a service whose books have a search index, after these statements."""
    metadata = sa.MetaData()
    for table in Base.metadata.sorted_tables:
        table.to_metadata(metadata)
    add_search_index(metadata.tables["books"], columns)
    return serve(metadata, ddl)


def test_search_index_covering_the_columns_starts(serve: Serve) -> None:
    api = with_index(serve)
    expose(api, attributes=["blurb"])
    start(api)


def test_search_index_without_a_column_stops_start(
    serve: Serve,
) -> None:
    api = with_index(serve, columns=("title",))
    expose(api, attributes=["title", "blurb"])
    with pytest.raises(ConfigurationError, match="books_search_index does not cover blurb"):
        start(api)


@pytest.mark.parametrize("event", ["insert", "update", "delete"])
def test_search_index_without_a_trigger_stops_start(serve: Serve, event: str) -> None:
    api = with_index(serve)
    if not api.is_sqlite:
        pytest.skip("PostgreSQL's indexes have no triggers")
    api.sql(f"DROP TRIGGER books_search_index_{event}")
    expose(api)
    with pytest.raises(ConfigurationError, match=f"books_search_index_{event} is missing"):
        start(api)


def test_search_index_of_other_definition_stops_start(serve: Serve) -> None:
    api = with_index(serve)
    if api.is_sqlite:
        api.sql("DROP TRIGGER books_search_index_delete")
        api.sql(
            "CREATE TRIGGER books_search_index_delete AFTER DELETE ON books BEGIN SELECT 1; END"
        )
    else:
        api.sql("DROP INDEX books_search_index")
        api.sql("CREATE INDEX books_search_index ON books USING gin (title gin_trgm_ops)")
    expose(api)
    with pytest.raises(ConfigurationError, match="not what create_search_index creates"):
        start(api)


class KeyBase(DeclarativeBase):
    pass


class Named(KeyBase):
    __tablename__ = "named"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    text: Mapped[str]


class Big(KeyBase):
    __tablename__ = "big"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    text: Mapped[str]


class Paired(KeyBase):
    __tablename__ = "paired"

    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Identified(KeyBase):
    __tablename__ = "identified"

    id: Mapped[Any] = mapped_column(sa.Uuid, primary_key=True)
    text: Mapped[str]


KEYED: list[tuple[Any, Callable[[int], dict[str, Any]]]] = [
    (Named, lambda n: {"name": f"n{n}"}),
    (Big, lambda n: {"id": n}),
    (Paired, lambda n: {"left": n, "right": -n}),
    (Identified, lambda n: {"id": f"00000000-0000-0000-0000-00000000000{n}"}),
]


@pytest.mark.parametrize(("model", "key"), KEYED)
def test_search_index_of_any_key_works_or_stops_start(
    serve: Serve, model: Any, key: Callable[[int], dict[str, Any]]
) -> None:
    metadata = sa.MetaData()
    table = model.__table__.to_metadata(metadata)
    add_search_index(table, ["text"])
    api = serve(metadata)
    expose(api, model, attributes=["text"])
    if api.is_sqlite:
        with pytest.raises(ConfigurationError, match="must have one INTEGER as its primary key"):
            start(api)
        return
    start(api)
    for number, text in enumerate(("first text", "second TEXT", "third"), 1):
        given = {**key(number), "text": text}
        assert api.request("POST", f"/{table.name}", json=given).status_code == 201
    found = api.get(f"/{table.name}", params={"q": "Text"}).json()
    assert sorted(row["text"] for row in found) == ["first text", "second TEXT"]


def test_search_index_of_table_without_rowid_is_rejected_on_sqlite(serve: Serve) -> None:
    metadata = sa.MetaData()
    table = sa.Table(
        "rowidless",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text),
        sqlite_with_rowid=False,
    )
    api = serve(metadata)

    def create(session: Session) -> None:
        add_search_index(table, ["text"])
        table.dispatch.after_create(table, session.connection())

    if api.is_sqlite:
        with pytest.raises(exc.OperationalError, match=r"no such column: stored\.rowid"):
            api.orm(create)
    else:
        api.orm(create)


def test_search_index_of_an_invalid_name_is_rejected() -> None:
    for table, columns in (
        ("t" * 52, ("a",)),
        ("t", ()),
        ("t", ("a", "a")),
        ("t", ("rank",)),
        ("t", ("a b",)),
    ):
        with pytest.raises(ValueError, match=r"search index|at most 50 bytes"):
            SearchIndex(table, columns)


def test_search_index_error_precedes_first_request(serve: Serve) -> None:
    api = serve(Base.metadata)
    crud = Crud(api.app, api.database, gate=None)
    crud.resource(Writer, search=SearchOptions(attributes=["name"], index=True))
    with pytest.raises(ConfigurationError, match="the table writers has no search index"):
        start(api)


def test_citext_column_has_a_search_index_on_postgresql(serve: Serve) -> None:
    metadata = sa.MetaData()
    text = postgresql.CITEXT().with_variant(sa.String(80, "NOCASE"), "sqlite")
    table = sa.Table(
        "labels", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", text)
    )

    def extend(_: sa.Table, connection: sa.Connection, **__: object) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS citext")

    sa.event.listen(table, "before_create", extend)
    add_search_index(table, ["text"])
    api = serve(metadata)
    base = type("LabelBase", (DeclarativeBase,), {"metadata": metadata})
    model = type("Label", (base,), {"__table__": table})
    expose(api, model, attributes=["text"])
    start(api)
    for text_given in ("Äpfel", "Birnen"):
        api.request("POST", "/labels", json={"text": text_given})
    api.request("PUT", "/labels/2", json={"text": "ÄPFEL"})
    assert [row["id"] for row in api.get("/labels?q=%C3%A4PF&sort=id").json()] == [1, 2]


def test_search_index_of_a_table_in_a_schema_works_on_postgresql(serve: Serve) -> None:
    api = serve(Base.metadata)
    if api.is_sqlite:
        with pytest.raises(ValueError, match="attached database"):
            list(statements_to_create(SearchIndex("notes", ("text",), "else")))
        return
    metadata = sa.MetaData(schema="Else where")
    key = sa.Column("id", sa.Integer, primary_key=True)
    table = sa.Table("Notes", metadata, key, sa.Column("the_Text", sa.Text))
    add_search_index(table, ["the_Text"])
    base = type("NoteBase", (DeclarativeBase,), {"metadata": metadata})
    model = type("Note", (base,), {"__table__": table})
    api.sql('CREATE SCHEMA "Else where"')
    try:
        api.orm(lambda session: metadata.create_all(session.connection()))
        api.crud.resource(
            model,
            endpoints=("/notes",),
            search=SearchOptions(index=True),
            actions=["create", "list"],
        )
        start(api)
        api.request("POST", "/notes", json={"the_Text": "Über allem"})
        assert len(api.get("/notes?q=ÜBER").json()) == 1
        api.orm(lambda session: metadata.drop_all(session.connection()))
    finally:
        api.sql('DROP SCHEMA "Else where" CASCADE')
