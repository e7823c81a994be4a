"""Lists of the past equal the states of a model, with any filter, order and page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import sleep
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encore.types import format_timestamp
from tests.fixtures.models import ModelApi

Rows = list[dict[str, Any]]
SHOWN = "id,name,price"

prices = st.sampled_from([None, 0, 1, 2.5])
changes: st.SearchStrategy[tuple[str, int, Mapping[str, Any]]] = st.one_of(
    st.tuples(st.just("create"), st.just(0), st.fixed_dictionaries({"price": prices})),
    st.tuples(st.just("update"), st.integers(0, 9), st.fixed_dictionaries({"price": prices})),
    st.tuples(st.just("console"), st.integers(0, 9), st.fixed_dictionaries({"price": prices})),
    st.tuples(st.sampled_from(["delete", "revert"]), st.integers(0, 9), st.just({})),
)


@dataclass(frozen=True)
class Query:
    """A query, and what it selects from the rows of a model."""

    name: str | None
    at_least: float | None
    sort: str
    count: int
    offset: int

    @property
    def parameters(self) -> Mapping[str, Any]:
        filters = {"name__ilike": self.name, "price__gte": self.at_least}
        page = {"sort": self.sort, "count": self.count, "offset": self.offset, "fields": SHOWN}
        return {name: value for name, value in filters.items() if value is not None} | page

    def select(self, rows: Rows) -> Rows:
        found = [row for row in rows if self._matches(row)]
        if self.sort.endswith("price"):  # Nulls first; the key stays ascending.
            is_reversed = self.sort.startswith("-")
            found.sort(key=lambda r: (r["price"] is not None, r["price"] or 0), reverse=is_reversed)
        return found

    def _matches(self, row: dict[str, Any]) -> bool:
        if self.name is not None and self.name.lower() not in row["name"].lower():
            return False
        price = row["price"]
        return self.at_least is None or (price is not None and price >= self.at_least)


queries = st.builds(
    Query,
    name=st.sampled_from([None, "sa", "TOOL"]),
    at_least=st.sampled_from([None, 1]),
    sort=st.sampled_from(["id", "price", "-price"]),
    count=st.integers(1, 4),
    offset=st.integers(0, 3),
)


def apply(api: ModelApi, change: tuple[str, int, Mapping[str, Any]], number: int) -> None:
    """Make one change; those of rows that do not exist change nothing."""
    kind, index, values = change
    rows = api.read("/tools", sort="id", fields="id")
    if kind == "create":
        api.create("/tools", name=f"tool {number}", **values)
        return
    if not rows:
        return
    id_ = rows[index % len(rows)]["id"]
    match kind:
        case "update":
            api.put(f"/tools/{id_}", values)
        case "console":
            price = "NULL" if values["price"] is None else int(values["price"] * 100)
            api.sql(f"UPDATE tools SET price = {price} WHERE id = {id_}")
        case "delete":
            assert api.delete(f"/tools/{id_}").status_code == 200
        case "revert":
            entries = api.get(f"/tools/{id_}/history").json()
            entry = entries[index % len(entries)]
            if entry["operation"] != "delete":
                api.post(f"/tools/{id_}/revert", {"sequence": entry["sequence"]})


def snapshot(api: ModelApi) -> tuple[str, Rows]:
    """Return the present rows and an instant at which they are these."""
    sleep(0.002)
    rows: Rows = api.read("/tools", sort="id", fields=SHOWN)
    at = format_timestamp(datetime.now(UTC))
    sleep(0.002)
    return at, rows


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    made=st.lists(changes, min_size=3, max_size=10),
    asked=st.lists(queries, min_size=3, max_size=3),
)
def test_lists_of_the_past_equal_the_states_of_the_model(
    api: ModelApi, made: Sequence[tuple[str, int, Mapping[str, Any]]], asked: Sequence[Query]
) -> None:
    states = [snapshot(api)]
    for change in made:
        apply(api, change, time_number())
        states.append(snapshot(api))
    for at, rows in states:
        assert api.read("/tools", sort="id", fields=SHOWN, as_of=at, count=1000) == rows
        for query in asked:
            _compare(api, query, at, query.select(rows))
        for row in rows[:2]:
            response = api.get(f"/tools/{row['id']}", params={"as_of": at, "fields": SHOWN})
            assert response.json() == row


def _compare(api: ModelApi, query: Query, at: str, expected: Rows) -> None:
    response = api.get("/tools", params={**query.parameters, "as_of": at})
    page = expected[query.offset : query.offset + query.count]
    assert response.json() == page, (query, at)
    assert response.headers["content-range"].endswith(f"/{len(expected)}")
    found, path = list(page), response.headers.get("link", "")
    while 'rel="next"' in path:
        link = next(part for part in path.split(", ") if 'rel="next"' in part)
        response = api.get(link.partition(">")[0].removeprefix("<"))
        found += response.json()
        path = response.headers.get("link", "")
    assert found == expected[query.offset :]


def time_number() -> int:
    """Return a number that no row has in its name yet."""
    return datetime.now(UTC).microsecond + int(datetime.now(UTC).timestamp()) * 1_000_000
