"""Random rows over every form of relationship, compared with the ORM."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.fixtures.in_process import empty
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.place_models import B, D, Place, PlaceBase, Thing, Tool, holds, roads
from tests.models.test_relations import MANY, ONE, _ids, oracles

Draw = Callable[[st.SearchStrategy[Any]], Any]

places_ = st.integers(1, 3)
things_ = st.integers(1, 6)
perhaps = st.one_of(st.none(), places_)
thing_values = st.fixed_dictionaries(
    {
        "deleted": st.booleans(),
        "rank": st.one_of(st.none(), st.integers(0, 6)),
        "code": st.sampled_from(["ab", "AB", "1", None]),
        "place_id": perhaps,
        "found_at_id": perhaps,
    }
)


def _populate(session: Session, draw: Draw) -> None:
    session.add(D(id=1, name="d1"))
    session.flush()
    session.add_all([B(id=1, name="b1", d_id=1), B(id=2, name="b2")])
    for n in range(1, 4):
        low = draw(st.one_of(st.none(), st.integers(0, 3)))
        place = Place(id=n, name=f"p{n}", code=draw(st.sampled_from(["ab", "1", None])), low=low)
        place.high = draw(st.one_of(st.none(), st.integers(2, 6)))
        place.path = draw(st.sampled_from([None, "/1", "/1/2", f"/{n}"]))
        place.size = draw(st.sampled_from(["big", "small"]))
        place.parent_id = draw(st.one_of(st.none(), st.integers(1, n)))
        place.b_id = draw(st.one_of(st.none(), st.integers(1, 2)))
        session.add(place)
        session.flush()
    for n in range(1, 7):
        kind = Tool if draw(st.booleans()) else Thing
        session.add(kind(id=n, name=f"t{n}", **draw(thing_values)))
    session.flush()
    for pair in draw(st.lists(st.tuples(perhaps, things_), max_size=6)):
        role = draw(st.sampled_from(["show", "store"]))
        row = {"place_id": pair[0], "thing_id": pair[1], "role": role, "position": len(role)}
        session.execute(holds.insert().values(row))
    for start, end in draw(st.sets(st.tuples(places_, places_), max_size=4)):
        session.execute(roads.insert().values(start=start, end=end))


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.reuse, Phase.generate],  # Shrinking rows of a database takes minutes.
)
@given(data=st.data())
def test_random_rows_are_related_as_the_orm_loads_them(serve: Serve, data: st.DataObject) -> None:
    api = _api(serve)
    api.orm(lambda session: empty(session.connection(), PlaceBase.metadata))
    api.orm(lambda session: _populate(session, data.draw))
    rows = api.read("/places")
    for name, expected in oracles(api, (*MANY, *ONE)).items():
        # Ties of an order are broken by the key here, by chance in the ORM: order is not compared.
        related = {row: sorted(ids) for row, ids in expected.items()}
        assert {row["id"]: sorted(_ids(name, row[name])) for row in rows} == related, name
        first = api.get(f"/places/1/{name}")
        listed = sorted(_ids(name, first.json())) if first.status_code == 200 else []
        assert listed == related[1], name


_apis: dict[int, ModelApi] = {}


def _api(serve: Serve) -> ModelApi:
    """Return one service for all examples of a test."""
    if id(serve) not in _apis:
        _apis.clear()
        api = _apis[id(serve)] = serve(PlaceBase.metadata)
        api.crud.resource(Place, associations=True)
    return _apis[id(serve)]
