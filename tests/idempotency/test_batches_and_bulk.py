"""Idempotency keys of batches and of writes of many rows: the key is that of the whole request."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.request_state import RequestState
from tests.fixtures.library import CLAIMS, Api
from tests.fixtures.library_models import Country, IdempotencyKey, Tag
from tests.fixtures.problems import assert_problem

KEY = {"Idempotency-Key": "k"}


class GrantingMiddleware:
    """Sets claims, and the scopes of the header ``X-Scopes``, without a token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = RequestState.from_scope(scope)
        granted = dict(scope["headers"]).get(b"x-scopes", b"library").decode().split()
        state.claims, state.granted = CLAIMS, frozenset(granted)
        await self._app(scope, receive, send)


@pytest.fixture
def granted(api: Api) -> Iterator[Api]:
    """Return a service whose callers have the scope."""
    granted = Api(api.url, layer=GrantingMiddleware)
    granted.crud.resource(Tag)
    yield granted
    granted.close()


def batch_of(*labels: str) -> dict[str, Any]:
    return {
        "operations": [
            {"method": "POST", "path": "/tags", "body": {"label": label}} for label in labels
        ]
    }


def assert_replay(again: httpx.Response, first: httpx.Response) -> None:
    """Check that a response is the stored one of another."""
    assert again.headers.get("idempotency-replayed") == "true", again.text
    assert "idempotency-replayed" not in first.headers
    assert (again.status_code, again.content) == (first.status_code, first.content)


def test_batch_sent_again_is_carried_out_once(granted: Api) -> None:
    first = granted.post("/batch", batch_of("a", "b"), headers=KEY)
    assert first.status_code == 200, first.text
    assert_replay(granted.post("/batch", batch_of("a", "b"), headers=KEY), first)
    assert len(granted.rows(Tag)) == 2
    other = granted.post("/batch", batch_of("a", "c"), headers=KEY)
    assert_problem(other, 422, "idempotency-key-reused")


def test_replay_of_a_batch_needs_the_scopes_of_its_operations(granted: Api) -> None:
    granted.crud.resource(Country, access={"all": "countries"})
    body = batch_of("a")
    country = {"code": "fr", "name": "France"}
    body["operations"].append({"method": "POST", "path": "/countries", "body": country})
    both, one = ({**KEY, "X-Scopes": scopes} for scopes in ("library countries", "library"))
    first = granted.post("/batch", body, headers=both)
    assert first.status_code == 200, first.text
    assert_problem(granted.post("/batch", body, headers=one), 403, "forbidden")
    again = granted.post("/batch", body, headers=both)
    assert_replay(again, first)
    assert {*again.headers} - {*first.headers} == {"idempotency-replayed"}


def test_batch_that_failed_may_be_sent_again(granted: Api) -> None:
    granted.create("/tags", label="b")
    assert granted.post("/batch", batch_of("a", "b"), headers=KEY).status_code == 409
    assert granted.rows(IdempotencyKey) == []
    granted.delete("/tags/1")
    assert granted.post("/batch", batch_of("a", "b"), headers=KEY).status_code == 200


def test_batch_twins_are_carried_out_once(granted: Api) -> None:
    async def all_at_once() -> list[httpx.Response]:
        body = batch_of("a", "b")
        sent = (granted.call("POST", "/batch", json=body, headers=KEY) for _ in range(10))
        return await asyncio.gather(*sent)

    responses = granted.run(all_at_once())
    assert {response.status_code for response in responses} == {200}
    assert len({response.content for response in responses}) == 1
    assert len(granted.rows(Tag)) == 2


def test_batch_that_only_reads_replays_what_it_has_read(granted: Api) -> None:
    body = {"operations": [{"method": "GET", "path": "/tags"}]}
    first = granted.post("/batch", body, headers=KEY)
    assert first.status_code == 200, first.text
    granted.create("/tags", label="a")
    assert_replay(granted.post("/batch", body, headers=KEY), first)


def test_key_of_a_batch_that_is_not_atomic_is_rejected(granted: Api) -> None:
    response = granted.post("/batch", {**batch_of("a"), "atomic": False}, headers=KEY)
    assert_problem(response, 400, "bad-request")
    assert granted.rows(Tag) == []


@pytest.mark.parametrize("atomic", [True, False])
def test_key_of_an_operation_in_a_batch_is_rejected(granted: Api, *, atomic: bool) -> None:
    batch = batch_of("a")
    batch["operations"][0]["headers"] = KEY
    batch["atomic"] = atomic
    response = granted.post("/batch", batch)
    assert response.status_code == 400, response.text
    assert "Idempotency-Key" in response.text
    assert granted.rows(Tag) == []


def test_bulk_writes_sent_again_are_carried_out_once(api: Api) -> None:
    api.crud.resource(Tag, bulk=True)
    for label in "abc":
        api.create("/tags", label=label)
    requests: list[tuple[str, str, Any]] = [
        ("PATCH", "/tags?id=1", {"label": "x"}),
        ("DELETE", "/tags?label=c", None),
    ]
    for number, (method, path, body) in enumerate(requests):
        headers = {"Idempotency-Key": f"k{number}"}
        first = api.request(method, path, json=body, headers=headers)
        assert first.status_code in (200, 201), first.text
        assert_replay(api.request(method, path, json=body, headers=headers), first)
    assert [row["label"] for row in api.rows(Tag)] == ["x", "b"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tags?dry_run=true", [{"label": "a"}]),
        ("PATCH", "/tags?id=1&dry_run=true", {"label": "x"}),
        ("PATCH", "/tags?dry_run=true", [{"id": 1, "label": "y"}]),
        ("DELETE", "/tags?id=1&dry_run=true", None),
    ],
)
def test_key_of_a_bulk_dry_run_is_rejected(api: Api, method: str, path: str, body: Any) -> None:
    api.crud.resource(Tag, bulk=True)
    api.create("/tags", label="z")
    response = api.request(method, path, json=body, headers=KEY)
    message = "Idempotency-Key is not supported with dry_run: nothing is written"
    assert_problem(response, 400, "bad-request", message)
