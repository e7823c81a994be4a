"""Random models and random requests, against rows that Python keeps in memory.

Each example makes a model (its kind of key, the types of its columns), then creates, changes,
deletes, filters, sorts and pages its rows, and holds every answer against a list of dicts.
"""

import enum
import itertools
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import DeclarativeBase, mapped_column

from encore.database.engine import with_connection
from encore.types import UtcDateTime
from tests.fixtures.models import ModelApi, Serve

LETTERS = "abcxyz"  # Sorted alike by every collation.
_numbers = itertools.count()


class Size(enum.Enum):
    small = "s"
    large = "l"


@dataclass(frozen=True)
class Kind:
    """A column type, its values in JSON, and their comparison."""

    type: Callable[[], Any]
    values: st.SearchStrategy[Any]
    order: Callable[[Any], Any] | None


def _moment(number: int) -> str:
    return f"20{number % 90 + 10}-0{number % 9 + 1}-11T0{number % 10}:30:00.{number % 1000:03}Z"


KINDS: Mapping[str, Kind] = {
    "integer": Kind(sa.Integer, st.integers(-9, 9), int),
    "text": Kind(lambda: sa.String(8), st.text(LETTERS, max_size=3), str),
    "boolean": Kind(sa.Boolean, st.booleans(), None),
    "date": Kind(sa.Date, st.dates(date(1900, 1, 1)).map(str), str),
    "float": Kind(sa.Double, st.floats(-9, 9, width=16), float),
    "numeric": Kind(
        lambda: sa.Numeric(6, 2), st.decimals(-99, 99, places=2).map("{:.2f}".format), Decimal
    ),
    "uuid": Kind(sa.Uuid, st.uuids().map(str), str),
    "moment": Kind(UtcDateTime, st.integers(0, 999).map(_moment), str),
    "size": Kind(lambda: sa.Enum(Size), st.sampled_from(["small", "large"]), None),
}
KEYS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "numbered": {"id": st.none()},
    "text": {"code": st.text(string.ascii_lowercase, min_size=1, max_size=4)},
    "uuid": {"uid": st.uuids().map(str)},
    "composite": {"line": st.text(LETTERS, min_size=1, max_size=2), "no": st.integers(1, 5)},
}
KEY_TYPES: Mapping[str, Callable[[], Any]] = {
    "id": sa.Integer,
    "code": lambda: sa.String(4),
    "uid": sa.Uuid,
    "line": lambda: sa.String(2),
    "no": sa.Integer,
}


@dataclass
class Shape:
    """A random model: its key, and its columns."""

    key: str
    columns: dict[str, tuple[str, bool]]
    path: str = field(default_factory=lambda: f"/random_{next(_numbers)}")

    @property
    def key_names(self) -> list[str]:
        return list(KEYS[self.key])

    def model(self) -> Any:
        base = type("RandomBase", (DeclarativeBase,), {"metadata": sa.MetaData()})
        attributes: dict[str, Any] = {"__tablename__": self.path[1:]}
        for name in self.key_names:
            numbered = self.key == "numbered"
            attributes[name] = mapped_column(
                KEY_TYPES[name](), primary_key=True, autoincrement=numbered
            )
        for name, (kind, nullable) in self.columns.items():
            column = mapped_column(name, KINDS[kind].type(), nullable=nullable)
            attributes[name.replace(" ", "_")] = column
        return type("Random", (base,), attributes)

    def values(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({name: self.value(name) for name in self.columns})

    def value(self, name: str) -> st.SearchStrategy[Any]:
        kind, nullable = self.columns[name]
        return st.one_of(st.none(), KINDS[kind].values) if nullable else KINDS[kind].values

    def item(self, row: Mapping[str, Any]) -> str:
        return "/".join([self.path, *(str(row[name]) for name in self.key_names)])

    def rank(self, name: str, row: Mapping[str, Any]) -> tuple[bool, Any]:
        """Return what sorts a row: nulls come first."""
        value = row[name]
        order = KINDS[self.columns[name][0]].order if name in self.columns else None
        return value is not None, value if value is None or order is None else order(value)


shapes = st.builds(
    Shape,
    st.sampled_from(sorted(KEYS)),
    st.dictionaries(
        st.sampled_from(["alpha", "Beta", "gamma two", "count", "select"]),
        st.tuples(st.sampled_from(sorted(KINDS)), st.booleans()),
        min_size=1,
        max_size=4,
    ),
)


class Memory:
    """Drives a resource and the rows in memory with the same requests."""

    def __init__(self, api: ModelApi, shape: Shape, draw: Callable[[Any], Any]) -> None:
        self._api = api
        self._shape = shape
        self._draw = draw
        self._rows: list[dict[str, Any]] = []

    def create(self) -> None:
        values = self._draw(self._shape.values())
        key = self._draw(st.fixed_dictionaries(KEYS[self._shape.key]))
        taken = any(all(row[n] == v for n, v in key.items()) for row in self._rows)
        body = {**{name: v for name, v in key.items() if v is not None}, **values}
        response = self._api.post(self._shape.path, body)
        if taken:
            assert response.status_code == 409, response.text
            return
        assert response.status_code == 201, response.text
        row = response.json()
        if self._shape.key == "numbered":
            key = {"id": row["id"]}
        assert row == {**key, **values}
        assert self._api.read(response.headers["location"]) == row
        self._rows.append(row)

    def update(self) -> None:
        if not self._rows:
            return
        row = self._draw(st.sampled_from(self._rows))
        names = self._draw(st.lists(st.sampled_from(sorted(self._shape.columns)), unique=True))
        row |= {name: self._draw(self._shape.value(name)) for name in names}
        response = self._api.put(self._shape.item(row), {name: row[name] for name in names})
        assert (response.status_code, response.json()) == (200, row), response.text
        assert self._api.put(self._shape.item(row), row).json() == row

    def delete(self) -> None:
        if not self._rows:
            return
        row = self._draw(st.sampled_from(self._rows))
        assert self._api.delete(self._shape.item(row)).status_code == 200
        assert self._api.delete(self._shape.item(row)).status_code == 404
        self._rows.remove(row)

    def list(self) -> None:
        name = self._draw(st.sampled_from(sorted(self._shape.columns)))
        kind = KINDS[self._shape.columns[name][0]]
        operators = ["eq", "ne", "is_null", *(["gt", "lte"] if kind.order else [])]
        operator, value = self._draw(st.sampled_from(operators)), self._draw(kind.values)
        descending, count = self._draw(st.booleans()), self._draw(st.integers(1, 4))
        params = {
            f"{name}__{operator}": "true" if operator == "is_null" else _text(value),
            "sort": ("-" if descending else "") + name,
            "count": str(count),
        }
        found = [row for row in self._rows if _holds(operator, row[name], value, kind)]
        for key in reversed(self._shape.key_names):
            found.sort(key=lambda row, key=key: row[key])  # type: ignore[misc] # bound early
        found.sort(key=lambda row: self._shape.rank(name, row), reverse=descending)
        if kind.order is None:  # Databases differ: only what is found is compared.
            return
        response = self._api.get(self._shape.path, params=params)
        assert response.json() == found[:count], (params, response.text)
        total = response.headers["content-range"].rpartition("/")[2]
        assert int(total) == len(found)


def _text(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text}"' if text == "null" else text


def _holds(operator: str, stored: Any, value: Any, kind: Kind) -> bool:
    order = kind.order or (lambda v: v)
    match operator:
        case "is_null":
            return stored is None
        case "ne":
            return stored is None or order(stored) != order(value)
        case _ if stored is None:
            return False
        case "eq":
            return bool(order(stored) == order(value))
        case "gt":
            return bool(order(stored) > order(value))
        case _:
            return bool(order(stored) <= order(value))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.reuse, Phase.generate],  # Shrinking requests to a database takes minutes.
)
@given(data=st.data(), shape=shapes)
def test_random_model_answers_as_its_rows_in_memory(
    serve: Serve, data: st.DataObject, shape: Shape
) -> None:
    api = _served(serve)
    model = shape.model()
    with_connection(api.url, lambda connection: _create(connection, model.metadata))
    api.crud.resource(model)
    memory = Memory(api, shape, data.draw)
    actions = (memory.create, memory.create, memory.update, memory.delete, memory.list)
    for action in data.draw(st.lists(st.sampled_from(actions), min_size=4, max_size=12)):
        action()


_apis: dict[int, ModelApi] = {}


def _served(serve: Serve) -> ModelApi:
    """Return one service for all examples of a test."""
    if id(serve) not in _apis:
        _apis.clear()
        _apis[id(serve)] = serve(sa.MetaData())
    return _apis[id(serve)]


def _create(connection: sa.Connection, metadata: sa.MetaData) -> None:
    metadata.create_all(connection)
    connection.commit()
