"""Preconditions of PUTs that create, of upserts, and of responses without a body."""

import asyncio
from typing import Any

import pytest

from encore import Context
from tests.fixtures.library import Api, error_fields
from tests.fixtures.library_models import Tag, User

NEW = {"If-None-Match": "*"}


def test_if_none_match_creates_only(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    created = api.put("/users/7", {"firstName": "Ada"}, headers=NEW)
    assert (created.status_code, created.headers["location"]) == (201, "/users/7")
    refused = api.put("/users/7", {"firstName": "Bob"}, headers=NEW)
    assert (refused.status_code, error_fields(refused)) == (412, ["If-None-Match"])
    assert refused.headers["etag"] == api.get("/users/7").headers["etag"]
    assert [row["firstName"] for row in api.rows(User)] == ["Ada"]


def test_if_none_match_without_the_option(api: Api) -> None:
    api.crud.resource(User)
    assert api.put("/users/7", {"firstName": "Ada"}, headers=NEW).status_code == 404
    api.create("/users", id=7, firstName="Ada")
    assert api.put("/users/7", {"firstName": "Bob"}, headers=NEW).status_code == 412


@pytest.mark.parametrize("tag", ["*", '"1.x"', 'W/"1"'])
def test_if_match_creates_nothing(api: Api, tag: str) -> None:
    api.crud.resource(User, put_creates=True)
    refused = api.put("/users/7", {"firstName": "Ada"}, headers={"If-Match": tag})
    assert (refused.status_code, error_fields(refused)) == (412, ["If-Match"])
    assert api.rows(User) == []


def test_malformed_header_is_rejected_before_the_row_is_looked_for(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    for headers in ({"If-Match": "x"}, {"If-None-Match": "x"}, {"If-Match": ""}):
        response = api.put("/users/7", {"firstName": "Ada"}, headers=headers)
        assert response.status_code == 400, headers
    date = {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert api.put("/users/7", {"firstName": "Ada"}, headers=date).status_code == 412
    assert api.rows(User) == []


def test_tag_of_the_stored_row_changes_it(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    created = api.put("/users/7", {"firstName": "Ada"})
    matching = {"If-Match": created.headers["etag"]}
    assert api.put("/users/7", {"firstName": "Bob"}, headers=matching).status_code == 200
    assert api.put("/users/7", {"firstName": "Eve"}, headers=matching).status_code == 412


def test_row_that_criteria_hide_is_missing(api: Api) -> None:
    tags = api.crud.resource(Tag, put_creates=True)

    @tags.update.start.before
    def hide(context: Context) -> None:
        context.criteria["label"] = "mine"

    api.create("/tags", id=1, label="other")
    assert api.put("/tags/1", {"label": "x"}, headers=NEW).status_code == 404
    assert api.put("/tags/1", {"label": "x"}, headers={"If-Match": "*"}).status_code == 404


def test_of_simultaneous_creates_one_is_new(api: Api) -> None:
    api.crud.resource(User, put_creates=True)

    async def put_all(path: str) -> list[int]:
        body = {"firstName": "a"}
        calls = (api.call("PUT", path, json=body, headers=NEW) for _ in range(4))
        return sorted(response.status_code for response in await asyncio.gather(*calls))

    for number in range(1, 9):
        assert api.run(put_all(f"/users/{number}")) == [201, 412, 412, 412]


@pytest.mark.parametrize("mode", ["merge", "ignore"])
@pytest.mark.parametrize("headers", [{"If-Match": '"1"'}, NEW], ids=str)
def test_upserts_reject_preconditions(api: Api, mode: str, headers: Any) -> None:
    api.crud.resource(Tag, upsert=True)
    api.create("/tags", label="a")
    path = f"/tags?on_conflict={mode}"
    assert api.post(path, {"label": "a"}, headers=headers).status_code == 412
    assert api.post(path, {"label": "b"}, headers=headers).status_code == 412


@pytest.mark.parametrize("mode", ["merge", "ignore"])
def test_upserts_send_the_tag_of_the_row(api: Api, mode: str) -> None:
    api.crud.resource(Tag, upsert=True)
    path = f"/tags?on_conflict={mode}"
    for status in (201, 200):
        response = api.post(path, {"label": "a"})
        assert response.status_code == status
        assert response.headers["etag"] == api.get("/tags/1").headers["etag"]


def test_responses_without_a_body_have_the_tag(api: Api) -> None:
    api.crud.resource(User)
    minimal = {"Prefer": "return=minimal"}
    created = api.post("/users", {"firstName": "Ada"}, headers=minimal)
    assert created.headers["etag"] == api.get("/users/1").headers["etag"]
    changed = api.put("/users/1", {"age": 1}, headers=minimal)
    assert (changed.status_code, changed.content) == (204, b"")
    assert changed.headers["etag"] == api.get("/users/1").headers["etag"]
    assert "content-location" not in changed.headers
    matching = minimal | {"If-Match": changed.headers["etag"]}
    assert api.put("/users/1", {"age": 2}, headers=matching).status_code == 204


def test_dry_runs_judge_preconditions(api: Api) -> None:
    api.crud.resource(User)
    tag = api.post("/users", {"firstName": "Ada"}).headers["etag"]
    dry = api.put("/users/1?dry_run=true", {"age": 1}, headers={"If-Match": tag})
    assert (dry.status_code, dry.headers["dry-run"]) == (200, "true")
    assert "content-location" not in dry.headers
    wet = api.put("/users/1?fields=id&dry_run=false", {})
    assert wet.headers["content-location"] == "/users/1?fields=id"
    stale = api.put("/users/1?dry_run=true", {"age": 1}, headers={"If-Match": '"0.x"'})
    assert stale.status_code == 412
    assert api.put("/users/1", {"age": 1}, headers={"If-Match": tag}).status_code == 200
