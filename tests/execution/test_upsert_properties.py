"""Upserts compared with a model in Python: any constraint, any body, any stored rows."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.database.engine import with_connection
from tests.fixtures.models import ModelApi, Serve

Row = dict[str, Any]
NAMES = ("id", "a", "b", "c", "d", "note")
KEYS = (("id",), ("a", "b"), ("c",), ("d",))


class ThingBase(DeclarativeBase):
    pass


class Thing(ThingBase):
    __tablename__ = "things"
    __table_args__ = (sa.UniqueConstraint("a", "b"), sa.Index("by_d", "d", unique=True))

    id: Mapped[int] = mapped_column(primary_key=True)
    a: Mapped[str | None]
    b: Mapped[int | None]
    c: Mapped[str | None] = mapped_column(unique=True)
    d: Mapped[str | None]
    note: Mapped[str | None]


@dataclass
class Model:
    """The rows, and what a create or an upsert does with them."""

    rows: list[Row] = field(default_factory=list)

    def post(self, body: Row, mode: str | None, on: tuple[str, ...] | None) -> tuple[int, Row]:
        """Return the status and the row of the response; change the rows."""
        key = () if mode is None else self._key(body, on)
        if key is None or not body or any(body.get(name) is None for name in key):
            return 400, {}
        stored = self._find(key, body) if key else None
        if stored is None:
            return self._create(body)
        if mode == "ignore":
            return 200, stored
        if body.get("id", stored["id"]) != stored["id"]:
            return 400, {}
        changed = {**stored, **body}
        if self._conflicts(changed, stored):
            return 409, {}
        stored.update(changed)
        return 200, stored

    def _create(self, body: Row) -> tuple[int, Row]:
        row = {name: body.get(name) for name in NAMES}
        if self._conflicts(row, None):
            return 409, {}
        self.rows.append(row)
        return 201, row

    @staticmethod
    def _key(body: Row, on: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if on is not None:
            return next((key for key in KEYS if sorted(key) == sorted(on)), None)
        return ("id",) if body.get("id") is not None else None

    def _find(self, key: tuple[str, ...], body: Row) -> Row | None:
        return next((row for row in self.rows if all(row[n] == body[n] for n in key)), None)

    def _conflicts(self, row: Row, own: Row | None) -> bool:
        return any(
            other is not own
            and all(row[name] is not None and row[name] == other[name] for name in key)
            for other in self.rows
            for key in KEYS
        )


def members() -> st.SearchStrategy[Row]:
    values: dict[str, st.SearchStrategy[Any]] = {
        "a": st.sampled_from(["x", "y", None]),
        "b": st.sampled_from([1, 2, None]),
        "c": st.sampled_from(["p", "q", None]),
        "d": st.sampled_from(["r", "s", None]),
        "note": st.sampled_from(["m", "n", None]),
        "id": st.sampled_from([1, 2, 3]),
    }
    return st.fixed_dictionaries({}, optional=values)


REQUEST = st.tuples(
    members(),
    st.sampled_from([None, "merge", "merge", "ignore"]),
    st.sampled_from([None, ("id",), ("a", "b"), ("b", "a"), ("c",), ("d",), ("a",), ("c", "d")]),
)


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(ThingBase.metadata)
    api.crud.resource(Thing, upsert=True)
    return api


@hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(requests=st.lists(REQUEST, min_size=1, max_size=8))
def test_upserts_equal_the_model(
    api: ModelApi, requests: list[tuple[Row, str | None, tuple[str, ...] | None]]
) -> None:
    with_connection(api.url, _empty)
    model = Model()
    for body, mode, on in requests:
        parameters = {} if mode is None else {"on_conflict": mode}
        if mode is not None and on is not None:
            parameters["on"] = ",".join(on)
        status, expected = model.post(body, mode, on)
        response = api.request("POST", "/things", json=body, params=parameters)
        assert response.status_code == status, (body, mode, on, response.text)
        if status < 300:
            if expected["id"] is None:  # The database has numbered it.
                expected["id"] = response.json()["id"]
            assert response.json() == expected
            assert response.headers["location"] == f"/things/{expected['id']}"
    stored = sorted((dict(row) for row in api.rows(Thing)), key=lambda row: row["id"])
    assert stored == sorted(model.rows, key=lambda row: row["id"])


def _empty(connection: sa.Connection) -> None:
    connection.execute(sa.delete(Thing))
    connection.commit()


@hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    query=st.lists(
        st.tuples(
            st.sampled_from(["on_conflict", "on", "dry_run", "o%6e"]),
            st.one_of(
                st.sampled_from(["merge", "ignore", "true", "id", "a,b", "c"]), st.text(max_size=5)
            ),
        ),
        max_size=4,
    ),
    body=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just([]), st.just({"id": 1})),
    ),
)
def test_any_parameters_and_bodies_are_answered(
    api: ModelApi, query: list[tuple[str, str]], body: Row
) -> None:
    raw = "&".join(f"{name}={quote(text)}" for name, text in query)
    response = api.request("POST", f"/things?{raw}", json=body)
    assert response.status_code in (200, 201, 400, 409), response.text
    put = api.request("PUT", f"/things/1?{raw}", json=body)
    assert put.status_code in (200, 400, 404, 409), put.text
