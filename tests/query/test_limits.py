"""Limits of one query, counted over all of its parts."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import SearchOptions
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Maker(Base):
    __tablename__ = "makers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    things: Mapped[list["Thing"]] = relationship(back_populates="maker")


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    note: Mapped[str | None] = mapped_column(sa.Text)
    maker_id: Mapped[int | None] = mapped_column("makerId", sa.ForeignKey("makers.id"))
    maker: Mapped[Maker | None] = relationship(back_populates="things")


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(
        Thing,
        include=["maker"],
        search=[SearchOptions("q", ["name", "note"]), SearchOptions("is", ["name"], operator="eq")],
        presets={"first": lambda: Thing.id == 1},
    )
    api.crud.resource(Maker)
    api.create("/things", name="a", maker={"name": "m"})
    return api


def ones(count: int) -> str:
    return "|".join(["id=1"] * count)


CONDITIONS = "The query may have at most 200 conditions"
PATTERNS = "The query may have at most 50 text patterns"
VALUES = "The query may have at most 2000 values"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"or={ones(200)}", ""),
        (f"or={ones(201)}", "or may have at most 200 conditions"),
        (f"or={ones(100)}&not={ones(100)}", ""),
        (f"or={ones(100)}&not={ones(101)}", CONDITIONS),
        (f"or={ones(100)}&or={ones(100)}&name=a", CONDITIONS),
        (f"or={ones(199)}&preset=first", ""),
        (f"or={ones(200)}&preset=first", CONDITIONS),
        (f"or={ones(199)}&q=a", CONDITIONS),
        (f"or={ones(199)}&name=[null,%22a%22]", CONDITIONS),
        ("&".join(["or=" + "|".join(["maker.id=1"] * 67)] * 3), CONDITIONS),
        ("&".join(["is=a"] * 150), ""),
        ("&".join(["q=a"] * 25), ""),
        ("&".join(["q=a"] * 26), PATTERNS),
        ("or=" + "|".join(["name__like=a"] * 51), PATTERNS),
        ("not=" + "|".join(["maker.name=a"] * 51), PATTERNS),
        ("&".join(["id=[" + ",".join(["1"] * 500) + "]"] * 4), "id may have at most 500 values"),
        ("or=" + "|".join(["id__in=" + ",".join(["1"] * 400)] * 5), ""),
        ("or=" + "|".join(["id__in=" + ",".join(["1"] * 402)] * 5), VALUES),
    ],
)
def test_query_counts_conditions_of_all_groups_together(
    api: ModelApi, query: str, message: str
) -> None:
    answer = api.get(f"/things?{query}")
    assert (answer.status_code == 400) is bool(message), answer.text
    if message:
        assert answer.json()["message"].startswith(message)


@pytest.mark.parametrize(
    "name",
    ["q", "name__like", "name__ilike", "name__startswith", "name__iendswith", "maker.name"],
)
def test_search_text_longer_than_256_characters_is_rejected(api: ModelApi, name: str) -> None:
    assert api.get(f"/things?{name}={'a' * 256}").json() == []
    answer = api.get(f"/things?{name}={'a' * 257}")
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "field": name,
            "message": f"{name} must be at most 256 characters long, not 257",
        }
    ]
    assert api.get(f"/things?name={'a' * 5_000}").status_code == 200  # Compared, not looked for.


def test_search_wider_than_the_limits_fits_once(serve: Serve) -> None:
    class Wide(DeclarativeBase):
        pass

    key = sa.Column("id", sa.Integer, primary_key=True)
    columns = [sa.Column(f"c{n}", sa.String(10)) for n in range(60)]
    table = sa.Table("wides", Wide.metadata, key, *columns)
    model = type("Wides", (Wide,), {"__table__": table})
    api = serve(Wide.metadata)
    api.crud.resource(model, endpoints=["/wides"], actions=["list"])
    assert api.get("/wides?q=a").status_code == 200
    assert api.get("/wides?q=a&q=b").status_code == 400
