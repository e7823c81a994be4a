"""Columns that the database generates: output, never written."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import Context
from encore.openapi.components import InlineComponents
from encore.openapi.schemas import create_schema, row_schema, update_schema
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[int] = mapped_column(primary_key=True)
    prices: Mapped[list["Price"]] = relationship(back_populates="shop")


class Price(Base):
    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.String(10), unique=True)
    net: Mapped[int]
    gross: Mapped[int] = mapped_column(sa.Computed("net * 2", persisted=True))
    shop_id: Mapped[int | None] = mapped_column("shopId", sa.ForeignKey("shops.id"))
    shop: Mapped[Shop | None] = relationship(back_populates="prices")


class Loose(Base):
    """An identity that a client may override."""

    __tablename__ = "loose"

    id: Mapped[int] = mapped_column(sa.Identity(always=False), primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.String(10), unique=True)


NUMBERS = sa.Sequence("numbers", start=100, metadata=Base.metadata)


class Numbered(Base):
    __tablename__ = "numbered"

    id: Mapped[int] = mapped_column(NUMBERS, primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.String(10), unique=True)


class Unaware(DeclarativeBase):
    pass


class UnawarePrice(Unaware):
    """The same table, in a model that does not declare the generated column."""

    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(primary_key=True)
    net: Mapped[int]
    gross: Mapped[int | None]


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    return serve(Base.metadata)


def test_generated_column_is_shown_and_a_row_sent_back_changes_what_it_can(api: ModelApi) -> None:
    api.crud.resource(Price)
    row = api.create("/prices", net=2)
    assert (row["id"], row["gross"]) == (1, 4)
    assert api.put("/prices/1", row).json() == row
    changed = api.put("/prices/1", {**row, "net": 5}).json()
    assert (changed["net"], changed["gross"]) == (5, 10)


def test_another_value_for_a_generated_column_is_400_naming_it(api: ModelApi) -> None:
    api.crud.resource(Price)
    api.crud.resource(Shop, include=["prices"])
    api.create("/prices", net=2)
    for response, field in (
        (api.post("/prices", {"net": 1, "gross": 5}), "gross"),
        (api.post("/prices", {"net": 1, "id": 50}), "id"),
        (api.put("/prices/1", {"net": 1, "gross": 5}), "gross"),
        (api.post("/shops", {"prices": [{"net": 1, "gross": 5}]}), "prices.0.gross"),
    ):
        assert response.status_code == 400, response.text
        assert [error["field"] for error in response.json()["errors"]] == [field]
    assert [row["net"] for row in api.rows(Price)] == [2]


@pytest.mark.parametrize("replaces", [False, True])
def test_replaced_row_keeps_its_generated_columns(api: ModelApi, *, replaces: bool) -> None:
    api.crud.resource(Price, put_replaces=replaces)
    api.create("/prices", net=2, code="a")
    row = api.put("/prices/1", {"net": 3}).json()
    assert (row["id"], row["gross"], row["code"]) == (1, 6, None if replaces else "a")


def test_generated_columns_of_nested_rows_are_not_written(api: ModelApi) -> None:
    api.crud.resource(Shop, include=["prices"])
    shop = api.create("/shops", prices=[{"net": 2}])
    assert shop["prices"][0]["gross"] == 4


def test_generated_columns_are_read_only_in_openapi(api: ModelApi) -> None:
    prices = api.crud.resource(Price)
    shown = row_schema(prices, InlineComponents())["properties"]
    assert {name for name, schema in shown.items() if schema.get("readOnly")} == {"id", "gross"}
    for make in (create_schema, update_schema):
        assert not {"id", "gross"} & make(prices, InlineComponents())["properties"].keys()


@pytest.mark.parametrize("name", ["gross", "id"])
def test_hook_that_sets_a_generated_column_fails(api: ModelApi, name: str) -> None:
    prices = api.crud.resource(Price)

    @prices.create.write.before
    def overwrite(context: Context) -> None:
        context.attributes[name] = 7

    assert api.post("/prices", {"net": 1}).status_code == 500
    assert api.rows(Price) == []


def test_upload_leaves_generated_columns_to_the_database(api: ModelApi) -> None:
    api.crud.upload(api.crud.resource(Price), natural_key=["code"])
    rows = [{"code": code, "net": net} for code, net in (("a", 1), ("b", 2))]
    report = api.post("/prices/upload", rows).json()
    assert [(row["status"], row["id"]) for row in report["rows"]] == [
        ("created", 1),
        ("created", 2),
    ]
    assert [row["gross"] for row in api.rows(Price)] == [2, 4]
    assert api.create("/prices", net=3)["id"] == 3


def test_undeclared_generated_column_is_400_naming_it(api: ModelApi) -> None:
    api.crud.resource(UnawarePrice)
    response = api.post("/prices", {"net": 1, "gross": 5})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["gross"]


def test_identity_by_default_takes_a_clients_key_and_numbers_on(api: ModelApi) -> None:
    api.crud.resource(Loose)
    bodies = ({"code": "a"}, {"code": "b", "id": 50}, {"code": "c"})
    assert [api.create("/loose", **body)["id"] for body in bodies] == [1, 50, 51]


def test_chosen_key_below_a_deleted_one_does_not_move_the_sequence_back(api: ModelApi) -> None:
    if api.is_sqlite:
        pytest.skip("SQLite numbers behind the highest stored id unless the model says otherwise")
    api.crud.resource(Loose)
    api.create("/loose", code="a", id=50)
    assert api.delete("/loose/50").is_success
    assert api.create("/loose", code="b", id=20)["id"] == 20
    assert api.create("/loose", code="c")["id"] == 51


def test_sequence_numbers_rows_of_creates_and_uploads(api: ModelApi) -> None:
    api.crud.upload(api.crud.resource(Numbered), natural_key=["code"])
    first = 1 if api.is_sqlite else 100
    assert api.create("/numbered", code="x")["id"] == first
    report = api.post("/numbered/upload", [{"code": "a"}, {"code": "b"}]).json()
    assert sorted(row["id"] for row in report["rows"]) == [first + 1, first + 2]
    assert api.create("/numbered", code="y", id=first + 50)["id"] == first + 50
    assert api.create("/numbered", code="z")["id"] == first + 51
