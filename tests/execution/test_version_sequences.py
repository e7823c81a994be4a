"""Random writes of models with a ``version_id_col``: the same versions as through an ORM session.

The reference is a session on another database. It flags what a body contains as modified: the ORM
would skip values that are stored already, and a resource's UPDATE counts them.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.pool import StaticPool

from tests.fixtures.in_process import empty
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.version_models import Badge, Car, Owner, Tag, VersionBase

Draw = Callable[[st.SearchStrategy[Any]], Any]
Versions = dict[str, tuple[int, str | None]]
MODELS: tuple[Any, ...] = (Owner, Car, Badge, Tag)
COLOURS = st.sampled_from(["red", "blue", None])


class Writer:
    """Makes each write twice: as a request, and through a session.

    Args:
        api: The service.
        draw: Draws the values.
    """

    def __init__(self, api: ModelApi, draw: Draw) -> None:
        self._api = api
        self._draw = draw
        self._reference = sa.create_engine("sqlite://", poolclass=StaticPool)
        VersionBase.metadata.create_all(self._reference)
        self._numbers = count()

    def check(self) -> None:
        """Compare the versions and the owners of all rows."""
        assert self._stored() == self._expected()

    def close(self) -> None:
        """Close the reference."""
        self._reference.dispose()

    def write(self) -> None:
        """Make one write, chosen at random."""
        with Session(self._reference) as session:
            getattr(self, self._draw(st.sampled_from(WRITES)))(session)
            session.commit()

    def create_owner(self, session: Session) -> None:
        cars, badge, tags = (
            self._some(session, Car),
            self._any(session, Badge),
            self._some(session, Tag),
        )
        body = {
            "name": self._name("owner"),
            "cars": [self._link("cars", car) for car in cars],
            "badge": badge and self._link("badges", badge),
            "tags": [self._link("tags", tag) for tag in tags],
        }
        session.add(Owner(name=body["name"], cars=cars, badge=badge, tags=tags))
        self._send("POST", "/owners", body)

    def create_tag(self, session: Session) -> None:
        body = {"name": self._name("tag")}
        session.add(Tag(**body))
        self._send("POST", "/tags", body)

    def rename_owner(self, session: Session) -> None:
        if owner := self._any(session, Owner):
            body = {"name": owner.name} if self._draw(st.booleans()) else {}
            _assign(owner, **body)
            self._send("PUT", self._path("owners", owner), body)

    def replace_cars(self, session: Session) -> None:
        if owner := self._any(session, Owner):
            cars = self._some(session, Car)
            body = [self._link("cars", car) for car in cars]
            for car, item in zip(cars, body, strict=True):
                if "id" in item and car in owner.cars:
                    item["colour"] = car.colour = self._draw(COLOURS)
            owner.cars = cars
            self._send("PUT", self._path("owners", owner), {"cars": body})

    def replace_badge(self, session: Session) -> None:
        if owner := self._any(session, Owner):
            badge = self._any(session, Badge)
            body = {"badge": badge and self._link("badges", badge)}
            owner.badge = badge
            self._send("PUT", self._path("owners", owner), body)

    def move_car(self, session: Session) -> None:
        if car := self._any(session, Car, new=False):
            owner = self._any(session, Owner, new=True)
            body = {"owner": owner and self._link("owners", owner), "colour": self._draw(COLOURS)}
            session.add_all([owner] if owner else [])
            session.flush()
            _assign(car, owner_id=owner.id if owner else None, colour=body["colour"])
            self._send("PUT", self._path("cars", car), body)

    def link_tags(self, session: Session) -> None:
        if owner := self._any(session, Owner):
            owner.tags = self._some(session, Tag, new=False)
            links = [self._link("tags", tag) for tag in owner.tags]
            self._send("PUT", f"{self._path('owners', owner)}/tags", links)

    def delete_row(self, session: Session) -> None:
        model = self._draw(st.sampled_from(MODELS[:3]))
        if row := self._any(session, model, new=False):
            path = self._path(model.__tablename__, row)
            session.delete(row)
            self._send("DELETE", path)

    def upload_cars(self, session: Session) -> None:
        stored = self._some(session, Car, new=False)
        rows = [{"name": car.name, "colour": self._draw(COLOURS)} for car in stored]
        for car, row in zip(stored, rows, strict=True):
            car.colour = row["colour"]
        for _ in range(self._draw(st.integers(0, 2))):
            rows.append({"name": self._name("car"), "colour": self._draw(COLOURS)})
            session.add(Car(**rows[-1]))
        if rows:
            self._send("POST", "/cars/upload", rows)

    def _any(self, session: Session, model: Any, *, new: bool | None = None) -> Any:
        """Return a row, a new one if ``new`` permits (by default, for cars and badges), or None."""
        known = list(session.scalars(sa.select(model).order_by(model.name)))
        made = (
            [model(name=self._name(model.__name__))]
            if new or (new is None and model is not Owner)
            else []
        )
        choices = [*known, *made, None]
        return self._draw(st.sampled_from(choices))

    def _some(self, session: Session, model: Any, *, new: bool = True) -> list[Any]:
        known = list(session.scalars(sa.select(model).order_by(model.name)))
        chosen = (
            self._draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
        )
        made = [
            model(name=self._name(model.__name__))
            for _ in range(self._draw(st.integers(0, 2)) * new)
        ]
        return [*chosen, *made]

    def _name(self, kind: str) -> str:
        return f"{kind} {next(self._numbers)}"

    def _link(self, table: str, row: Any) -> dict[str, Any]:
        """Return the object of a body that names a row, or creates it."""
        return {"id": self._id(table, row)} if sa.inspect(row).persistent else {"name": row.name}

    def _id(self, table: str, row: Any) -> int:
        """Return the id of the service's row with the same name."""
        (found,) = self._api.read(f"/{table}", name=row.name)
        id_: int = found["id"]
        return id_

    def _path(self, table: str, row: Any) -> str:
        return f"/{table}/{self._id(table, row)}"

    def _send(self, method: str, path: str, body: Any = None) -> None:
        response = self._api.request(method, path, json=body)
        assert response.status_code in (200, 201), (method, path, body, response.text)

    def _stored(self) -> list[Versions]:
        owners = {row["id"]: row["name"] for row in self._api.read("/owners")}
        return [
            {
                row["name"]: (
                    row.get("version", row.get("rowVersion")),
                    owners.get(row.get("owner_id")),
                )
                for row in self._api.read(f"/{model.__tablename__}")
            }
            for model in MODELS
        ]

    def _expected(self) -> list[Versions]:
        with Session(self._reference) as session:
            return [
                {
                    row.name: (
                        row.count if model is Car else row.version,
                        row.owner.name if getattr(row, "owner", None) else None,
                    )
                    for row in session.scalars(sa.select(model))
                }
                for model in MODELS
            ]


WRITES = [
    "create_owner",
    "create_tag",
    "rename_owner",
    "replace_cars",
    "replace_badge",
    "move_car",
    "link_tags",
    "delete_row",
    "upload_cars",
]


def _assign(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
        flag_modified(row, name)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # Shrinking rows of a database takes minutes.
)
@given(data=st.data())
def test_random_writes_leave_the_versions_of_the_orm(serve: Serve, data: st.DataObject) -> None:
    api = _api(serve)
    api.orm(lambda session: empty(session.connection(), VersionBase.metadata))
    writer = Writer(api, data.draw)
    try:
        for _ in range(12):
            writer.write()
            writer.check()
    finally:
        writer.close()


_apis: dict[int, ModelApi] = {}


def _api(serve: Serve) -> ModelApi:
    """Return one service for all examples of a test."""
    if id(serve) not in _apis:
        _apis.clear()
        api = _apis[id(serve)] = serve(VersionBase.metadata)
        options: dict[str, Any] = {"associations": True, "nested_arrays": "sync"}
        api.crud.resource(Owner, links=["tags"], **options)
        cars = api.crud.resource(Car, **options)
        for model in (Badge, Tag):
            api.crud.resource(model, **options)
        api.crud.upload(cars, natural_key=["name"])
    return _apis[id(serve)]
