"""Histories beside the other parts: streams, nested paths, policies, OpenAPI, types, migrations."""

from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column, relationship

from encore import ConfigurationError, Context, SearchOptions, history_table
from encore.database.engine import with_connection
from encore.migrations import create_history, create_search_index, drop_history
from encore.migrations.environment import _is_compared
from tests.fixtures.history_models import HistoryBase, Maker, Plain, Tool
from tests.fixtures.library import CLAIMS, assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import json_schema, resolve, resolved
from tests.history.conftest import history
from tests.history.test_as_of import at_last_change
from tests.history.test_start import start


class LinkBase(DeclarativeBase):
    pass


class Shelf(LinkBase):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boxes: Mapped[list["Box"]] = relationship(back_populates="shelf")


class Box(LinkBase):
    """Its history does not say where it was."""

    __tablename__ = "boxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(sa.ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="boxes")


history_table(Shelf)
history_table(Box, exclude=["shelf_id"])


def test_stream_as_of_has_the_rows_of_that_time(api: ModelApi) -> None:
    rows = ", ".join(f"({n + 1}, 'm{n}')" for n in range(250))  # More than a stream's first page.
    api.sql(f"INSERT INTO makers (id, name) VALUES {rows}")
    at = at_last_change(api, "/makers/250")
    api.sql("UPDATE makers SET name = 'new'")
    headers = {"accept": "text/csv"}
    response = api.get("/makers", params={"as_of": at, "fields": "name"}, headers=headers)
    assert response.text.splitlines() == ["name", *(f"m{number}" for number in range(250))]


def test_indexed_search_of_past_rows_is_refused_where_the_index_has_only_present_ones(
    serve: Serve,
) -> None:
    def index(connection: sa.Connection) -> None:
        context = MigrationContext.configure(connection)
        create_search_index(Operations(context), "makers", ["name"])

    api = serve(HistoryBase.metadata, [index])
    api.crud.resource(Maker, history=True, search=SearchOptions(attributes=["name"], index=True))
    api.create("/makers", name="Acme")
    at = at_last_change(api, "/makers/1")
    api.put("/makers/1", {"name": "Other"})
    response = api.get("/makers", params={"as_of": at, "q": "acm"})
    if api.is_sqlite:
        assert_field_errors(response, 400, "as_of")
    else:
        assert [row["name"] for row in response.json()] == ["Acme"]


def test_author_of_any_text_is_recorded(api: ModelApi, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = "\ud800 \0 \\u0000 ' é"
    monkeypatch.setitem(CLAIMS, "sub", subject)
    api.create("/makers", name="acme")
    assert history(api, "/makers/1")[0]["subject"] == "?  \\u0000 ' é"


def test_nested_paths_have_no_as_of(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=True, associations=True)
    api.create("/makers", name="acme")
    at = at_last_change(api, "/makers/1")
    assert_field_errors(api.get("/makers/1/tools", params={"as_of": at}), 400, "as_of")


def test_criteria_of_hooks_are_judged_on_past_rows_and_present_policies(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    makers = api.crud.resource(Maker, history=True)
    for name in ("one", "two"):
        api.create("/makers", name=name)
    at = at_last_change(api, "/makers/2")
    api.sql("UPDATE makers SET name = 'three'")
    policy: list[Any] = [Maker.name == "one"]

    @makers.list.start.before
    def restrict(context: Context) -> None:
        context.criteria = policy[0]

    assert [row["id"] for row in api.read("/makers", as_of=at)] == [1]
    api.sql("INSERT INTO plains (id, name) VALUES (2, 'allowed')")  # No history: read as it is.
    policy[0] = Maker.id.in_(sa.select(Plain.id))
    assert [row["name"] for row in api.read("/makers", as_of=at)] == ["two"]
    policy[0] = Maker.id.in_(sa.select(Tool.maker_id))
    assert_field_errors(api.get("/makers", params={"as_of": at}), 400, "as_of")


def test_hooks_hide_the_history_of_an_earlier_row_with_the_same_key(serve: Serve) -> None:
    """On SQLite the id of a deleted row may be that of the next one, of another caller."""
    api = serve(HistoryBase.metadata)
    makers = api.crud.resource(Maker, history=True)
    api.sql("INSERT INTO makers (id, name) VALUES (7, 'theirs')")
    at_first = at_last_change(api, "/makers/7")
    (theirs,) = history(api, "/makers/7")
    api.sql("DELETE FROM makers")
    api.sql("INSERT INTO makers (id, name) VALUES (7, 'mine')")
    at = at_last_change(api, "/makers/7")
    api.put("/makers/7", {"name": "new"})
    operations = [entry["operation"] for entry in history(api, "/makers/7")]
    assert operations == ["create", "delete", "create", "update"]

    @makers.all.start.before
    def restrict(context: Context) -> None:
        context.criteria = Maker.name != "theirs"

    entries = history(api, "/makers/7")
    assert [entry["operation"] for entry in entries] == ["create", "update"]
    pages = [api.get("/makers/7/history", params={"count": 1})]
    pages.append(api.get(pages[0].headers["link"].split(">")[0].removeprefix("<")))
    assert [page.json() for page in pages] == [entries[1:], entries[:1]]
    assert "link" not in pages[1].headers
    earlier = {"before": entries[0]["sequence"]}
    assert api.get("/makers/7/history", params=earlier).json() == []
    revert = api.post("/makers/7/revert", {"sequence": theirs["sequence"]})
    assert_field_errors(revert, 400, "sequence")
    assert api.post("/makers/7/revert", {"as_of": at_first}).status_code == 410
    assert api.post("/makers/7/revert", {"as_of": at}).json()["name"] == "mine"
    api.delete("/makers/7")
    assert history(api, "/makers/7")[-1]["operation"] == "delete"


def test_criteria_of_hooks_cannot_use_excluded_columns(serve: Serve) -> None:
    """They would find null: whoever may see only rows without a secret would see all of them."""
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw", secret="s")
    at = at_last_change(api, "/tools/1")

    @tools.list.start.before
    @tools.read.start.before
    def restrict(context: Context) -> None:
        context.criteria = Tool.secret.is_(None)

    assert api.get("/tools/1").status_code == 404
    for path in ("/tools", "/tools/1"):
        assert_field_errors(api.get(path, params={"as_of": at}), 400, "as_of")
    response = api.get("/tools/1/history")
    assert response.status_code == 400
    assert "tools.secret is not recorded" in response.json()["detail"]


def test_relations_by_excluded_columns_are_refused(serve: Serve) -> None:
    api = serve(LinkBase.metadata)
    api.crud.resource(Shelf, history=True, include=["boxes"])
    api.crud.resource(Box, history=True, include=["shelf"])
    api.create("/shelves", name="top")
    api.create("/boxes", shelf_id=1)
    at = at_last_change(api, "/boxes/1")
    for path in ("/shelves", "/shelves/1", "/boxes", "/boxes/1"):
        response = api.get(path, params={"as_of": at})
        assert_field_errors(response, 400, "as_of")
        assert "boxes.shelf_id is not recorded" in response.json()["detail"]
        assert api.get(path, params={"as_of": at, "fields": "id"}).status_code == 200


def test_members_that_hooks_remove_are_not_in_the_history(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw", price=1)

    @tools.read.data.after
    def hide_price(context: Context) -> None:
        del context.instance["price"]
        context.instance["added"] = True

    (created,) = history(api, "/tools/1")
    assert "price" not in created["changes"]
    assert created["changes"]["name"]["after"] == "saw"

    @tools.read.data.after
    def replace(context: Context) -> None:
        context.instance = {"name": "other"}

    (created,) = history(api, "/tools/1")
    assert created["changes"].keys() == {"name"}


def test_statements_of_hooks_read_the_present(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    makers = api.crud.resource(Maker, history=True)
    api.create("/makers", name="one")
    at = at_last_change(api, "/makers/1")
    api.sql("UPDATE makers SET name = 'two'")
    seen: list[str] = []

    @makers.read.fetch.after
    async def look(context: Context) -> None:
        def names(session: Any) -> list[str]:
            return list(session.scalars(sa.select(Maker.name)))

        seen.extend(await context.orm(names))

    assert api.get("/makers/1", params={"as_of": at}).json()["name"] == "one"
    assert seen == ["two"]


def test_openapi_describes_the_history(api: ModelApi) -> None:
    api.app.openapi_url = "/openapi.json"
    document = resolved(api.app.openapi())
    paths = document["paths"]
    entries = paths["/tools/{id}/history"]["get"]
    assert {parameter["name"] for parameter in entries["parameters"]} == {"id", "count", "before"}
    entry = resolve(document, json_schema(entries["responses"]["200"])["items"])
    assert "secret" not in entry["properties"]["changes"]["properties"]
    revert = paths["/tools/{id}/revert"]["post"]
    assert "sequence" in str(revert["requestBody"])
    for path, method in (("/tools", "get"), ("/tools/{id}", "get")):
        names = {parameter["name"] for parameter in paths[path][method]["parameters"]}
        assert "as_of" in names
        assert "410" in paths[path][method]["responses"]
    names = {parameter["name"] for parameter in paths["/tools/{id}"]["delete"]["parameters"]}
    assert "as_of" not in names


class Base(DeclarativeBase):
    pass


class Vehicle(Base):
    """Has columns of types that other tables share, names that need quotes, and an expression."""

    __tablename__ = "Vehicles"

    id: Mapped[str] = mapped_column("Key", sa.String(10), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Enum("car", "bus", name="kind"))
    tags: Mapped[Any | None] = mapped_column(sa.JSON)
    order: Mapped[int | None] = mapped_column()
    wheels: Mapped[bool] = mapped_column(default=True)
    weight: Mapped[float | None] = mapped_column()
    photo: Mapped[bytes | None] = mapped_column()
    doubled: Mapped[int | None] = column_property(sa.literal_column('"order"') * 2)


class Wheel(Base):
    """Counts what has no history."""

    __tablename__ = "wheels"

    id: Mapped[int] = mapped_column(primary_key=True)
    others: Mapped[int] = column_property(
        sa.select(sa.func.count()).select_from(sa.table("plain")).scalar_subquery()
    )


sa.Table("plain", Base.metadata, sa.Column("id", sa.Integer))
history_table(Vehicle)
history_table(Wheel)


def test_every_type_is_recorded_and_read_back(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Vehicle, history=True)
    row = api.create("/Vehicles", Key="a/b", kind="car", tags={"x": [1, None]}, order=2, weight=0.1)
    at = at_last_change(api, "/Vehicles/a%2Fb")
    api.put("/Vehicles/a%2Fb", {"kind": "bus", "tags": None, "wheels": False})
    past = api.get("/Vehicles/a%2Fb", params={"as_of": at}).json()
    assert past == row
    assert past["doubled"] == 4
    assert api.read("/Vehicles", as_of=at, kind="car", doubled=4) == [row]
    changes = history(api, "/Vehicles/a%2Fb")[-1]["changes"]
    assert changes == {
        "kind": {"before": "car", "after": "bus"},
        "tags": {"before": {"x": [1, None]}, "after": None},
        "wheels": {"before": True, "after": False},
    }
    start(api)


def test_computed_column_that_reads_a_table_without_a_history_is_refused(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Wheel, history=True)
    api.create("/wheels", id=1)
    at = at_last_change(api, "/wheels/1")
    response = api.get("/wheels/1", params={"as_of": at})
    assert_field_errors(response, 400, "as_of")
    assert "plain has no history" in response.json()["detail"]


def test_autogenerate_finds_nothing_to_change(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    found: list[Any] = []

    def compare(connection: sa.Connection) -> None:
        options = {"include_name": _is_compared}
        context = MigrationContext.configure(connection, opts=options)
        found.extend(compare_metadata(context, HistoryBase.metadata))

    with_connection(api.url, compare)
    assert found == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_create_history_runs_offline(dialect: str) -> None:
    buffer = StringIO()
    options = {"as_sql": True, "output_buffer": buffer}
    op = Operations(MigrationContext.configure(dialect_name=dialect, opts=options))
    create_history(op, "parts", key=["id"], columns=["id", "name"])
    drop_history(op, "parts")
    assert "CREATE TRIGGER" in buffer.getvalue()
    assert "\\:" not in buffer.getvalue()


def test_history_of_a_table_with_row_security_needs_its_own(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    if api.is_sqlite:
        pytest.skip("SQLite has no row security")
    for statement in (
        "DROP ROLE IF EXISTS keeper",
        "CREATE ROLE keeper LOGIN",
        "GRANT ALL ON SCHEMA public TO keeper",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO keeper",
        "ALTER TABLE makers ENABLE ROW LEVEL SECURITY",
    ):
        api.sql(statement)
    keeper = ModelApi(
        make_url(api.url).set(username="keeper").render_as_string(hide_password=False)
    )
    try:
        keeper.crud.resource(Maker, history=True)
        with pytest.raises(ConfigurationError, match="row security"):
            start(keeper)
        api.sql("ALTER TABLE makers_history ENABLE ROW LEVEL SECURITY")
        start(keeper)
    finally:
        keeper.close()
        api.sql("DROP OWNED BY keeper")
        api.sql("DROP ROLE keeper")
