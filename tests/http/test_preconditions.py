"""Conditional requests: a write whose precondition fails is 412 and writes nothing."""

from pathlib import Path

import pytest

from tests.fixtures.in_process import sqlite_with
from tests.fixtures.library import Api
from tests.fixtures.library_models import LibraryBase, User

WRITES = [("PUT", "/users/1"), ("PATCH", "/users/1"), ("DELETE", "/users/1"), ("POST", "/users")]


@pytest.fixture
def api(tmp_path: Path) -> Api:
    api = Api(sqlite_with(LibraryBase.metadata, tmp_path))
    api.crud.resource(User)
    api.create("/users", firstName="A")
    return api


@pytest.mark.parametrize(
    ("name", "value"),
    [("If-Match", '"abc"'), ("If-Match", 'W/"a", "b"'), ("If-Match", ""), ("If-None-Match", "*")],
)
def test_failing_precondition_of_a_write_is_412(api: Api, name: str, value: str) -> None:
    for method, path in WRITES:
        body = None if method == "DELETE" else {"firstName": "B"}
        response = api.request(method, path, json=body, headers={name: value})
        assert response.status_code == 412, (method, response.text)
    assert [row["firstName"] for row in api.rows(User)] == ["A"]
    api.close()


def test_satisfied_precondition_of_a_write_is_accepted(api: Api) -> None:
    assert api.put("/users/1", {"age": 1}, headers={"If-Match": " * "}).status_code == 200
    assert api.put("/users/1", {"age": 2}, headers={"If-None-Match": '"x"'}).status_code == 200
    assert api.get("/users/1", headers={"If-None-Match": '"x"'}).status_code == 200
    assert api.delete("/users/1", headers={"If-Match": "*"}).status_code == 200
    api.close()


@pytest.mark.parametrize(
    "headers",
    [
        [("If-Match", "*"), ("If-Match", '"abc"')],
        [("If-Match", '"abc"'), ("If-Match", "*")],
        [("If-None-Match", '"x"'), ("If-None-Match", "*")],
    ],
    ids=str,
)
def test_every_field_of_a_precondition_counts(api: Api, headers: list[tuple[str, str]]) -> None:
    assert api.request("PUT", "/users/1", json={"age": 1}, headers=headers).status_code == 412
    assert [row["age"] for row in api.rows(User)] == [None]
    api.close()
