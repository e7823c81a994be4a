"""Custom actions, uploads, plain FastAPI applications and OpenAPI, with idempotency keys."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Context, Crud, Response, RowAction, stop
from encore.http.request_state import RequestState
from encore.idempotency import response as stored_response
from encore.openapi.document import make_document
from tests.fixtures.library import Api
from tests.fixtures.library_models import IdempotencyKey, Tag
from tests.fixtures.openapi import resolved
from tests.fixtures.problems import assert_problem

KEY = {"Idempotency-Key": "k"}
UUID = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


class Shout(RowAction):
    """Append an exclamation mark to a label: not safe to repeat."""

    name = "shout"
    writes = True

    async def write(self, context: Context) -> None:
        key = context.key[0]

        def shout(session: Any) -> None:
            session.get(Tag, key).label += "!"

        await context.orm(shout)
        await self.fetch(context)


class CallersMiddleware:
    """Sets the claims that the headers ``X-Issuer``, ``X-Client`` and ``X-Subject`` name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode() for name, value in scope["headers"]}
        names = {"iss": b"x-issuer", "cid": b"x-client", "sub": b"x-subject"}
        claims = {claim: headers.get(header, "usual") for claim, header in names.items()}
        RequestState.from_scope(scope).claims = claims
        await self._app(scope, receive, send)


def replays(response: httpx.Response) -> bool:
    return "idempotency-replayed" in response.headers


def test_custom_action_that_writes_is_carried_out_once(api: Api) -> None:
    tags = api.crud.resource(Tag)
    action = Shout(tags)
    api.crud.custom_action(action=action, method="POST", path="/{id}/shout", access="library")
    api.create("/tags", label="a")
    first, again = (api.post("/tags/1/shout", headers=KEY) for _ in range(2))
    assert first.json()["label"] == again.json()["label"] == "a!"
    assert (replays(first), replays(again)) == (False, True)
    assert api.post("/tags/1/shout").json()["label"] == "a!!"


@pytest.mark.parametrize("name", ["X-Issuer", "X-Client", "X-Subject"])
def test_keys_of_two_callers_are_independent(api: Api, name: str) -> None:
    callers = Api(api.url, layer=CallersMiddleware)
    callers.crud.resource(Tag)
    mine, others = KEY, {**KEY, name: "other"}
    assert callers.post("/tags", {"label": "a"}, headers=mine).status_code == 201
    response = callers.post("/tags", {"label": "b"}, headers=others)
    assert response.status_code == 201
    assert not replays(response)
    assert replays(callers.post("/tags", {"label": "a"}, headers=mine))
    callers.close()


def test_upload_without_idempotency_keys_rejects_them(api: Api) -> None:
    tags = api.crud.resource(Tag)
    api.crud.upload(tags, natural_key=["label"], idempotency_keys=False)
    message = "Idempotency-Key is not supported here: this upload does not store its responses"
    response = api.post("/tags/upload", [{"label": "a"}], headers=KEY)
    assert_problem(response, 400, "bad-request", message)
    assert api.post("/tags/upload", [{"label": "a"}]).status_code == 200


def test_plain_fastapi_application_replays(api: Api) -> None:
    app = FastAPI()
    Crud(app, api.database, base="/v1", gate=None).resource(Tag)
    outer = FastAPI()
    outer.mount("/one", app)
    outer.mount("/two", app)

    async def send(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://inprocess") as client:
            return await client.post(path, json={"label": path}, headers=UUID)

    first, again = api.run(send("/one/v1/tags")), api.run(send("/one/v1/tags"))
    assert first.status_code == 201, first.text
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"] == "/one/v1/tags/1"
    assert (replays(first), replays(again)) == (False, True)
    assert not replays(api.run(send("/two/v1/tags")))


@pytest.mark.parametrize(
    ("size", "status"), [(4_095, 200), (4_096, 200), (131_072, 200), (200_000, 200), (200_001, 400)]
)
def test_long_responses_are_replayed_up_to_a_limit(
    api: Api, monkeypatch: pytest.MonkeyPatch, size: int, status: int
) -> None:
    monkeypatch.setattr(stored_response, "MAX_RESPONSE_BYTES", 200_000)
    tags = api.crud.resource(Tag)
    body = b"x" * size

    @tags.create.write.after
    def respond(_: Context) -> Any:
        return stop(Response(200, [(b"content-type", b"text/plain")], body))

    first, again = (api.post("/tags", {"label": "a"}, headers=KEY) for _ in range(2))
    assert first.status_code == again.status_code == status
    if status == 200:
        assert first.content == again.content == body
        assert replays(again)
    else:
        assert f"{size} bytes" in assert_problem(again, 400, "bad-request")["detail"]
        assert api.rows(Tag) == api.rows(IdempotencyKey) == []


def test_openapi_describes_the_header_where_it_is_accepted(api: Api) -> None:
    tags = api.crud.resource(Tag)
    api.crud.upload(tags, natural_key=["label"])
    api.crud.custom_action(action=Shout(tags), method="POST", path="/{id}/shout", access="library")
    paths = resolved(make_document(api.app))["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            names = [parameter["name"] for parameter in operation.get("parameters", ())]
            writes = method != "get"
            assert names.count("Idempotency-Key") == writes, (path, method)
            responses = operation["responses"]
            if writes:
                assert "application/problem+json" in responses["422"]["content"]
                assert "Idempotency-Key" in responses["409"]["description"]
                for status in (s for s in responses if s.startswith("2")):
                    assert "Idempotency-Replayed" in responses[status]["headers"], (path, status)
