"""``Prefer: return=…``: writes without a body, and ``handling=strict``."""

from typing import Any

import pytest

from encore import Context, Response, stop
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, Tag, User

MINIMAL = {"Prefer": "return=minimal"}


def applied(response: Any) -> str | None:
    value: str | None = response.headers.get("preference-applied")
    return value


def test_minimal_writes_have_no_body(api: Api) -> None:
    api.crud.resource(User)
    created = api.post("/users", {"firstName": "Ada"}, headers=MINIMAL)
    assert (created.status_code, created.content) == (201, b"")
    assert created.headers["location"] == "/users/1"
    assert created.headers["content-length"] == "0"
    for method, body in (("PUT", {"age": 1}), ("PATCH", {"age": 2}), ("DELETE", None)):
        response = api.request(method, "/users/1", json=body, headers=MINIMAL)
        assert (response.status_code, response.content) == (204, b""), method
        assert "content-length" not in response.headers
        assert applied(response) == "return=minimal"
        assert "content-type" not in response.headers
    assert applied(created) == "return=minimal"
    assert "content-type" not in created.headers
    assert api.rows(User) == []


def test_representation_is_the_usual_body(api: Api) -> None:
    api.crud.resource(User)
    headers = {"Prefer": "respond-async, return=representation; x=y, return=minimal"}
    created = api.post("/users", {"firstName": "Ada"}, headers=headers)
    assert (created.status_code, created.json()["firstName"]) == (201, "Ada")
    changed = api.put("/users/1", {"age": 1}, headers=headers)
    deleted = api.delete("/users/1", headers=headers)
    assert (changed.json()["age"], deleted.json()) == (1, {})
    assert {applied(response) for response in (created, changed, deleted)} == {
        "return=representation"
    }


@pytest.mark.parametrize(
    "prefer", ["return=nothing", "return", "xreturn=minimal", 'x="return=minimal"']
)
def test_other_values_are_ignored(api: Api, prefer: str) -> None:
    api.crud.resource(User)
    created = api.post("/users", {"firstName": "Ada"}, headers={"Prefer": prefer})
    assert created.json()["firstName"] == "Ada"
    assert applied(created) is None
    assert applied(api.get("/users/1", headers=MINIMAL)) is None


def test_body_of_a_hook_is_sent_whatever_is_preferred(api: Api) -> None:
    users = api.crud.resource(User)

    @users.create.send.after
    def wrap(context: Context) -> None:
        context.body = b'{"data": %s}' % context.body

    @users.update.send.replace
    def replace(context: Context) -> None:
        context.body = b"own"

    @users.delete.write.before
    def refuse(_: Context) -> Any:
        return stop(Response(202, [], b"later"))

    created = api.post("/users", {"firstName": "Ada"}, headers=MINIMAL)
    assert created.json()["data"]["firstName"] == "Ada"
    changed = api.put("/users/1", {"age": 1}, headers=MINIMAL)
    deleted = api.delete("/users/1", headers=MINIMAL)
    assert (changed.content, deleted.content, deleted.status_code) == (b"own", b"later", 202)
    assert [applied(response) for response in (created, changed, deleted)] == [None] * 3


def test_status_and_headers_of_hooks_stay(api: Api) -> None:
    users = api.crud.resource(User)

    @users.create.send.after
    def accept(context: Context) -> None:
        context.status = 202
        context.headers.append((b"x-own", b"1"))

    created = api.post("/users", {"firstName": "Ada"}, headers=MINIMAL)
    assert (created.status_code, created.content, created.headers["x-own"]) == (202, b"", "1")


def test_links_have_no_body_either(api: Api) -> None:
    api.crud.resource(Book, include=["tags"], links=True)
    api.crud.resource(Tag)
    api.create("/books", title="a")
    api.create("/tags", label="t")
    added = api.post("/books/1/tags", {"id": 1}, headers=MINIMAL)
    assert (added.status_code, added.content) == (201, b"")
    assert added.headers["location"] == "/books/1/tags/1"
    assert api.post("/books/1/tags", {"id": 1}, headers=MINIMAL).status_code == 204
    assert api.put("/books/1/tags", [1], headers=MINIMAL).status_code == 204
    assert api.delete("/books/1/tags/1", headers=MINIMAL).status_code == 204


STRICT = [
    ("GET", "/users", "handling=strict, count=none", 200),
    ("GET", "/users", "handling=strict, count=all", 400),
    ("GET", "/users", "handling=strict, return=minimal", 400),
    ("GET", "/users/1", "handling=strict, count=none", 400),
    ("GET", "/users/1", "handling=strict", 200),
    ("POST", "/users", "handling=strict, return=minimal", 201),
    ("POST", "/users", "return=nothing, handling=strict", 400),
    ("POST", "/users", "respond-async, handling=strict", 400),
    ("POST", "/users", "a b, handling=strict", 400),
    ("POST", "/users", "respond-async, handling=lenient, handling=strict", 201),
    ("POST", "/users", "handling=strict, handling=lenient, wait=1", 400),
    ("PUT", "/users/1", "handling=strict, return=minimal", 204),
    ("DELETE", "/users/1", "handling=strict, wait=10", 400),
]


@pytest.mark.parametrize(("method", "path", "prefer", "status"), STRICT)
def test_strict_handling_rejects_preferences_that_would_be_ignored(
    api: Api, method: str, path: str, prefer: str, status: int
) -> None:
    api.crud.resource(User)
    api.create("/users", firstName="Ada")
    body = {"firstName": "Bob"} if method in ("POST", "PUT") else None
    response = api.request(method, path, json=body, headers={"Prefer": prefer})
    assert response.status_code == status, response.text
    if status == 400:
        assert [error["field"] for error in response.json()["errors"]] == ["Prefer"]
        assert [row["firstName"] for row in api.rows(User)] == ["Ada"]


def test_strict_handling_rejects_unknown_members_for_clients_of_finale(api: Api) -> None:
    api.crud.resource(User, compatible="finale")
    body = {"firstName": "Ada", "zzz": 1}
    strict = {"Prefer": "handling=strict"}
    assert api.post("/users", body, headers=strict).status_code == 400
    assert api.post("/users", body).status_code == 201
    assert api.get("/users?zzz=1", headers=strict).status_code == 400
    assert api.get("/users?zzz=1").status_code == 200


def test_stream_supports_no_preference_but_handling(api: Api) -> None:
    api.crud.resource(User)
    headers = {"Accept": "text/csv", "Prefer": "handling=strict, count=none"}
    assert api.get("/users", headers=headers).status_code == 400
    assert api.get("/users", headers=headers | {"Prefer": "handling=strict"}).status_code == 200
