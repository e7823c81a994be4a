"""Related rows, embedded, nested, filtered, sorted and counted, compared with the ORM."""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from encore import Include, SortOptions
from encore.openapi.components import InlineComponents
from encore.openapi.schemas import create_schema, row_schema, update_schema
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.place_models import B, C, D, Place, PlaceBase, Thing, Tool, holds, roads

MANY = sorted(r.key for r in sa.inspect(Place).relationships if r.uselist)
ONE = sorted(r.key for r in sa.inspect(Place).relationships if not r.uselist)
ORDERED = {r.key for r in sa.inspect(Place).relationships if r.order_by}
Rows = dict[int, list[Any]]


@pytest.fixture
def places(serve: Serve) -> ModelApi:
    """Five places with things of every kind, one of them without anything."""
    api = serve(PlaceBase.metadata)
    api.orm(_fill)
    api.crud.resource(Place, associations=True)
    return api


def _fill(session: Session) -> None:
    session.add_all([D(id=1, name="d1"), D(id=2, name="d2")])
    session.flush()
    session.add_all([B(id=1, name="b1", d_id=1), B(id=2, name="b2", d_id=2), B(id=3, name="b3")])
    rows: list[tuple[Any, ...]] = [
        (1, "world", "AB", 1, 3, "/1", "big", None, 1),
        (2, "north", "cd", 2, 5, "/1/2", "big", 1, 2),
        (3, "south", None, None, 2, "/1/3", "small", 1, 1),
        (4, "pole", "2", 4, None, "/1/2/4", "small", 2, 3),
        (5, "nowhere", None, None, None, None, "big", None, None),
    ]
    names = ("id", "name", "code", "low", "high", "path", "size", "parent_id", "b_id")
    for each in rows:
        session.add(Place(**dict(zip(names, each, strict=True))))
        session.flush()
    session.add_all([C(place_id=1, d_id=1), C(place_id=1, d_id=1), C(place_id=2, d_id=1)])
    for n in range(1, 13):
        kind = Tool if n % 3 == 0 else Thing
        thing = kind(name=f"t{n}", deleted=n % 4 == 0, rank=None if n == 5 else n % 7)
        thing.id, thing.code = n, ("ab", "cd", "1", "2", "AB", None)[n % 6]
        thing.place_id = (1, 2, 1, None, 3, 1)[n % 6]
        thing.found_at_id = (2, None, 4)[n % 3]
        session.add(thing)
    session.flush()
    held = [(1, 1), (1, 4), (1, 1), (1, 2), (2, 1), (2, 8), (3, 8), (None, 3), (4, None), (4, 9)]
    for n, (place, thing_id) in enumerate(held):
        row = {"place_id": place, "thing_id": thing_id, "role": "show" if n % 3 else "store"}
        session.execute(holds.insert().values(**row, position=n % 4))
    session.execute(roads.insert(), [{"start": a, "end": b} for a, b in ((1, 2), (1, 3), (2, 1))])


def _of_orm(session: Session, model: type[Any], name: str) -> Rows:
    """Return the ids of the related rows of every row, from the ORM."""
    relation = getattr(model, name)
    # That ``raise`` says how to load, not what is related, is told it by an option.
    options = [selectinload(relation)] if name == "raising" else []
    found: Rows = {}
    for row in session.scalars(sa.select(model).options(*options).order_by(model.id)):
        value = getattr(row, name)
        if name == "write_only":
            value = session.scalars(value.select())
        if isinstance(value, dict):
            value = value.values()
        related = list(value) if relation.property.uselist else [value] if value else []
        ids = [one.id for one in related]
        found[row.id] = ids if name in ORDERED else sorted(ids)
    return found


def oracle(api: ModelApi, name: str, model: type[Any] = Place) -> Rows:
    return oracles(api, [name], model)[name]


def oracles(api: ModelApi, names: Iterable[str], model: type[Any] = Place) -> dict[str, Rows]:
    def work(session: Session) -> dict[str, Rows]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Multiple rows returned with uselist=False")
            found = {}
            for name in names:
                session.expire_all()
                found[name] = _of_orm(session, model, name)
            return found

    return api.orm(work)


def _ids(name: str, value: Any) -> list[int]:
    rows = value if isinstance(value, list) else [value] if value else []
    ids = [row["id"] for row in rows]
    return ids if name in ORDERED else sorted(ids)


def _nested(api: ModelApi, name: str) -> Iterator[tuple[int, list[int]]]:
    for n in range(1, 6):
        response = api.get(f"/places/{n}/{name}")
        if name in ONE:
            assert response.status_code in (200, 404), response.text
            yield n, [response.json()["id"]] if response.status_code == 200 else []
            continue
        ids = _ids(name, response.json())
        last = max(len(ids) - 1, 0)
        assert response.headers["content-range"] == f"items 0-{last}/{len(ids)}"
        for each in range(1, 13):
            status = api.get(f"/places/{n}/{name}/{each}").status_code
            assert status == (200 if each in ids else 404), (name, n, each)
        yield n, ids


def test_relation_is_embedded_as_the_orm_loads_it(places: ModelApi) -> None:
    expected = oracles(places, (*MANY, *ONE))
    listed = places.read("/places")
    of_lists = {name: {p["id"]: _ids(name, p[name]) for p in listed} for name in expected}
    assert of_lists == expected
    rows = [places.read(f"/places/{n}") for n in range(1, 6)]
    assert rows == listed
    assert all(any(of_one.values()) for of_one in expected.values())


def test_relation_cut_in_the_database_is_as_the_orm_loads_it(
    places: ModelApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first rows of each parent, and the number of all, where there are very many."""
    whole = oracles(places, (*MANY, *ONE))
    plain = {place["id"]: place for place in places.read("/places")}
    monkeypatch.setattr("encore.serializers.relation_statements._MANY_ROWS", 0)
    monkeypatch.setattr("encore.serializers.relation_statements._ROWS_A_KEY", 0)
    includes = [Include(name, limit=1 if name in MANY else None) for name in whole]
    places.crud.resource(Place, endpoints=("/short", "/short/{id}"), include=includes)
    for place in places.read("/short"):
        for name, rows in whole.items():
            all_of_it, expected = _listed(plain[place["id"]][name]), rows[place["id"]]
            assert _listed(place[name]) == all_of_it[:1], name
            assert place.get(f"{name}Count", len(all_of_it[:1])) == len(expected), name


def test_relation_to_one_is_sorted_by_as_it_is_embedded(places: ModelApi) -> None:
    names = [f"{name}.name" for name in ONE]
    sort = SortOptions(attributes=names)
    places.crud.resource(Place, endpoints=("/sorted", "/sorted/{id}"), include=ONE, sort=sort)
    for name in names:
        rows = places.read("/sorted", sort=name)
        values = [((row[name.split(".")[0]] or {}).get("name") or "", row["id"]) for row in rows]
        assert values == sorted(values), name
        last = places.read("/sorted", sort=f"-{name}")
        assert sorted(row["id"] for row in last) == sorted(row["id"] for row in rows)


def test_relation_that_is_viewonly_is_not_written(places: ModelApi) -> None:
    before = oracle(places, "things")
    created = places.post("/places", {"name": "x", "size": "big", "live": [{"name": "new"}]})
    assert created.status_code == 400
    assert created.json()["errors"][0]["field"] == "live"
    changed = places.put("/places/1", {"d": {"id": 2}})
    assert changed.status_code == 400
    assert changed.json()["errors"][0]["field"] == "d"
    assert oracle(places, "things") == before


def test_openapi_describes_cut_rows_and_what_can_be_written(places: ModelApi) -> None:
    resource = places.crud.resource(
        Place, endpoints=("/x", "/x/{id}"), include=["things", "live", "d"]
    )
    shown, creatable, updatable = (
        make(resource, InlineComponents())["properties"]
        for make in (row_schema, create_schema, update_schema)
    )
    assert shown["things"]["maxItems"] == 100
    assert shown["thingsCount"]["minimum"] == 101
    assert "dCount" not in shown
    assert not {"live", "d", "thingsCount"} & {*creatable, *updatable}
    assert "things" in creatable


def test_relation_is_nested_as_the_orm_loads_it(places: ModelApi) -> None:
    expected = {name: oracle(places, name) for name in (*MANY, *ONE)}
    assert {name: dict(_nested(places, name)) for name in expected} == expected


def test_relation_is_filtered_as_the_orm_loads_it(places: ModelApi) -> None:
    names = {
        name: {n: {row["name"] for row in _listed(place[name])} for n, place in _by_id(places)}
        for name in (*MANY, *ONE)
    }
    wrong = {}
    for name, of_places in names.items():
        for text in {*(t for texts in of_places.values() for t in texts), "none"}:
            found = {p["id"] for p in places.read("/places", **{f"{name}.name__eq": text})}
            expected = {n for n, texts in of_places.items() if text in texts}
            if found != expected:
                wrong[name, text] = (found, expected)
            counted = places.get("/places", params={f"{name}.name__eq": text, "count": 1})
            assert counted.headers["content-range"].endswith(f"/{len(found)}")
    assert wrong == {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _by_id(api: ModelApi) -> list[tuple[int, Any]]:
    return [(place["id"], place) for place in api.read("/places")]
