"""Bulk writes and concurrent writers: limits hold, no row is written twice, nothing deadlocks."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encore.execution.context import Context
from tests.fixtures.library import Api
from tests.fixtures.library_models import Seat, Tag, User


async def together(api: Api, *requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """Send requests at the same time."""
    sent = [api.call(method, path, json=body) for method, path, body in requests]
    return list(await asyncio.gather(*sent))


@pytest.mark.parametrize("by_row", [False, True])
def test_rows_that_are_deleted_together_are_counted_once(api: Api, *, by_row: bool) -> None:
    tags = api.crud.resource(Tag)
    if by_row:
        tags.delete.write.before(lambda _: None)
    for n in range(30):
        api.create("/tags", label=f"t{n}")
    requests = [("DELETE", "/tags?id__gt=0", None)] * 6
    responses = api.run(together(api, *requests))
    assert {response.status_code for response in responses} == {200}
    assert sum(response.json()["affected"] for response in responses) == 30


@pytest.mark.parametrize("by_row", [False, True])
def test_limit_holds_while_others_create_rows(api: Api, *, by_row: bool) -> None:
    users = api.crud.resource(User)
    if by_row:
        users.update.write.before(lambda _: None)
    for n in range(8):
        api.create("/users", firstName=f"u{n}")
    mixed: list[tuple[str, str, dict[str, Any]]] = []
    for n in range(6):
        mixed.append(("POST", "/users", {"firstName": "new"}))
        mixed.append(("PATCH", f"/users?rank=7&max_affected={8 + n}", {"rank": n}))
    responses = api.run(together(api, *mixed))
    written = 0
    for (method, _, body), response in zip(mixed, responses, strict=True):
        if method == "PATCH":
            assert response.status_code in (200, 409)
            if response.status_code == 200 and body["rank"] != 7:
                written += response.json()["affected"]
                assert response.json()["affected"] <= 8 + body["rank"]
    assert len(api.read("/users?rank=7")) == 14 - written


def test_arrays_in_opposite_orders_do_not_deadlock(api: Api) -> None:
    api.crud.resource(User)
    api.crud.resource(Seat)
    ids = [api.create("/users", firstName=f"u{n}")["id"] for n in range(40)]
    seats = [{"line": f"l{n % 5}", "number": n} for n in range(40)]
    assert api.post("/seats", seats).status_code == 200
    for path, keys in (("/users", [{"id": id_} for id_ in ids]), ("/seats", seats)):
        member = "rank" if path == "/users" else "note"
        value: Any = 1 if path == "/users" else "x"
        forward = [{**key, member: value} for key in keys]
        requests = [("PATCH", path, forward), ("PATCH", path, forward[::-1])] * 3
        responses = api.run(together(api, *requests))
        assert {response.status_code for response in responses} == {200}


def test_slow_rows_end_at_the_time_limit_and_leave_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = api.crud.resource(User)
    for n in range(3):
        api.create("/users", firstName=f"u{n}")
    monkeypatch.setattr("encore.bulk.actions.SECONDS", 0.05)

    @users.update.write.after
    async def wait(_: Context) -> None:
        await asyncio.sleep(0.04)

    response = api.request("PATCH", "/users?id__gt=0", json={"rank": 1})
    assert response.status_code == 503
    assert {row["rank"] for row in api.read("/users")} == {7}


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12
)  # age and rank of each row
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("PATCH"), st.integers(0, 5), st.integers(0, 5), st.integers(1, 6)),
        st.tuples(st.just("DELETE"), st.integers(0, 5), st.just(0), st.integers(1, 6)),
    ),
    max_size=8,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, steps=STEPS, by_row=st.booleans())
def test_bulk_writes_equal_a_model(
    api: Api, rows: list[tuple[int, int]], steps: list[Any], *, by_row: bool
) -> None:
    name = "hooked" if by_row else "plain"
    if not hasattr(api, "ready"):
        vars(api)["ready"] = True
        hooked = api.crud.resource(User, endpoints=("/hooked", "/hooked/{id}"))
        hooked.update.write.before(lambda _: None)
        hooked.delete.write.before(lambda _: None)
        api.crud.resource(User, endpoints=("/plain", "/plain/{id}"))
    api.delete("/plain?id__gt=0&max_affected=1000")
    body = [{"firstName": "u", "age": age, "rank": rank} for age, rank in rows]
    created = api.post(f"/{name}", body)
    model = {
        row["id"]: list(values) for row, values in zip(created.json()["rows"], rows, strict=True)
    }
    for method, least, rank, limit in steps:
        matched = [id_ for id_, (age, _) in model.items() if age >= least]
        path = f"/{name}?age__gte={least}&max_affected={limit}"
        response = api.request(method, path, json={"rank": rank} if method == "PATCH" else None)
        if len(matched) > limit:
            assert (response.status_code, response.json()["matched"]) == (409, len(matched))
            continue
        assert response.json() == {"affected": len(matched)}
        for id_ in matched:
            if method == "DELETE":
                del model[id_]
            else:
                model[id_][1] = rank
    stored = {row["id"]: [row["age"], row["rank"]] for row in api.read("/plain?count=1000")}
    assert stored == model
