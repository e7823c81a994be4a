"""Conditional requests: a write whose precondition fails is 412 and writes nothing."""

from pathlib import Path
from typing import Any

import pytest

from encore import Context
from encore.errors import ConfigurationError, PreconditionFailed
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
    [("If-Match", '"abc"'), ("If-Match", 'W/"a", "b"'), ("If-None-Match", "*")],
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
def test_every_line_of_a_precondition_counts(api: Api, headers: list[tuple[str, str]]) -> None:
    assert api.request("PUT", "/users/1", json={"age": 1}, headers=headers).status_code == 400
    assert [row["age"] for row in api.rows(User)] == [None]
    api.close()


def test_if_match_of_an_action_whose_hooks_check_it_reaches_them(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def check(context: Context) -> None:
        seen.extend(value for name, value in context.scope["headers"] if name == b"if-match")
        raise PreconditionFailed("another version")

    api = Api(sqlite_with(LibraryBase.metadata, tmp_path))
    users = api.crud.resource(User, checks_if_match=["update"])
    users.update.fetch.before(check)
    api.create("/users", firstName="A")
    headers = {"If-Match": '"1"'}
    for method, path in WRITES:
        body = None if method == "DELETE" else {"firstName": "B"}
        assert api.request(method, path, json=body, headers=headers).status_code == 412
    assert seen == [b'"1"', b'"1"']  # PUT and PATCH.
    assert api.put("/users/1", {}, headers={"If-None-Match": "*"}).status_code == 412
    assert len(seen) == 2
    api.close()


@pytest.mark.parametrize(
    ("option", "actions"),
    [(["read"], ["read"]), (["update"], ["read"]), ("update", ["update"]), ([1], ["update"])],
    ids=str,
)
def test_option_names_existing_actions_that_write(
    api: Api, option: Any, actions: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match="checks_if_match"):
        api.crud.resource(
            User, endpoints=("/x", "/x/{id}"), actions=actions, checks_if_match=option
        )
    api.close()
