"""Parameters of other APIs: rejected with a suggestion of our name."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import SearchOptions, SortOptions
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Writer(Base):
    __tablename__ = "writers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Novel(Base):
    __tablename__ = "novels"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    pages: Mapped[int | None]
    secret: Mapped[str | None]
    extra: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    writer_id: Mapped[int | None] = mapped_column("writerId", sa.ForeignKey("writers.id"))
    writer: Mapped[Writer | None] = relationship()


FILTER = "a field, such as id=value or id__ne=value"
OF_PAGES = "eq, ne, gt, gte, lt, lte, between, in, not_in, is_null"

PARAMETERS = {
    "count": "limit page_size per_page pageSize perPage size take first _limit $top page[size]",
    "offset": "skip start _start $skip startIndex page[offset]",
    "page": "page_number page[number] _page",
    "sort": "order_by orderBy ordering order _sort _order $orderby sort_by",
    "q": "search query _search $search",
    "fields": "select $select only fields[novels]",
    "preset": "scope",
    FILTER: "filter where $filter filters",
    "title": "filter[title] where[title] Title titel title[] titles",
    "title__like": "title__contains title__like_ title__substring title[like] title.like title:like"
    " title[contains] title[$like] titel__like filter[title][like]",
    "title__ilike": "title__icontains title__iexact title[ilike] title~",
    "title__eq": "title__exact title[eq] title__equals title__is",
    "title__ne": "title__neq title__not_eq title[ne] title! title__isNot",
    "title__startswith": "title__startsWith title[starts] title__prefix",
    "title__is_null": "title__isnull title__null title[isnull]",
    "pages__gte": "pages.gte pages[gte] pages[$gte] pages> filter[pages][gte] pages__ge pages__min",
    "pages__gt": "pages>5 pages[gt] pages__greaterThan",
    "pages__lte": "pages< pages__le pages__max",
    "pages__not_in": "pages__nin pages[notIn]",
    "pages__between": "pages__range",
    f"pages__ and one of {OF_PAGES}": "pages__contains pages__like pages__zzz pages[icontains]",
    "extra__is_null": "extra extra__eq extra__gt extra[eq] filter[extra] extr",
    "writer.name": "writer__name writer[name] writer.nam",
    "writer.name__ilike": "writer__name__icontains writer.name__icontains writer.name[icontains]",
}


@pytest.fixture
def novels(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(
        Novel,
        include=["writer"],
        exclude_attributes=["secret"],
        presets={"long": lambda: Novel.pages > 300},
    )
    api.crud.resource(
        Novel,
        endpoints=["/bare"],
        actions=["list"],
        exclude_attributes=["secret"],
        pagination=False,
        search=[SearchOptions("find")],
        sort=SortOptions("by"),
    )
    return api


def refused(api: ModelApi, parameter: str, path: str = "/novels") -> str:
    answer = api.get(path, params={parameter: "1"})
    assert answer.status_code == 400, parameter
    body = answer.json()
    assert [error["field"] for error in body["errors"]] == [parameter]
    message: str = body["message"]
    return message.removeprefix(f"Unknown query parameter {parameter!r}: ")


def test_parameter_of_another_api_is_rejected_with_our_name(novels: ModelApi) -> None:
    for meant, spellings in PARAMETERS.items():
        for spelling in spellings.split():
            assert refused(novels, spelling) == f"did you mean {meant}?", spelling


def test_suggestion_is_limited_to_the_resource(novels: ModelApi) -> None:
    assert refused(novels, "order_by", "/bare") == "did you mean by?"
    assert refused(novels, "search", "/bare") == "did you mean find?"
    for spelling in ("limit", "scope", "secret__contains", "filter[secret]", "writer__name"):
        said = refused(novels, spelling, "/bare")
        for unknown in ("count", "preset", "secret", "writer."):
            assert unknown not in said.removeprefix(f"{spelling}"), said


def test_suggestion_in_a_group_names_the_parameter(novels: ModelApi) -> None:
    for query in ("or=title__contains=a", "not=id=1|title__contains=a"):
        answer = novels.get(f"/novels?{query}")
        assert "did you mean title__like?" in answer.json()["message"]


def test_value_with_an_operator_of_another_api_is_rejected_unless_valid(novels: ModelApi) -> None:
    for given, meant in (("gte.5", "pages__gte=5"), ("eq.5", "pages__eq=5"), ("in.(1,2)", "")):
        answer = novels.get("/novels", params={"pages": given})
        assert answer.status_code == 400
        assert f"; did you mean {meant}" in answer.json()["message"]
    assert novels.get("/novels?title=eq.5").json() == []  # A text may look so.


def test_suggestion_for_endless_names_is_fast(novels: ModelApi) -> None:
    for name in ("x" * 9_000, "writer." * 1_000, "title__" * 1_000, "title[" * 1_000, "__" * 4_000):
        assert novels.get(f"/novels?{name}=1").status_code == 400
