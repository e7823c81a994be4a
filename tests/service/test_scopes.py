"""Scopes of routes: declarations, responses, and their description in OpenAPI."""

from typing import Any

import httpx
import pytest
from starlette.routing import Route

from encore.auth.authorization_server import IssuerEndpoints
from encore.errors import RouteError, UndeclaredAccess
from encore.http.access import AUTHENTICATED, PUBLIC, Access, authenticated, public, requires
from encore.http.application import Application
from encore.service.documentation.document import OpenAPIDocument
from encore.service.documentation.security import SecuritySchemes
from tests.fixtures.gate import RunningGate
from tests.fixtures.item_service import MESSAGE, READ_SCOPE, SCOPES
from tests.fixtures.problems import assert_problem


def test_public_route_ignores_the_authorization_header(gate: RunningGate) -> None:
    for headers in ({}, {"Authorization": "Bearer asdf"}, gate.bearer()):
        response = httpx.get(f"{gate.url}/public", headers=headers)
        assert (response.status_code, response.json()) == (200, MESSAGE)


def test_authenticated_route_accepts_any_valid_token(gate: RunningGate) -> None:
    url = f"{gate.url}/private"
    assert_problem(httpx.get(url), 401, "invalid-token")
    response = httpx.get(url, headers=gate.bearer(scp=...))
    assert (response.status_code, response.json()) == (200, MESSAGE)


def test_route_with_a_scope_requires_it(gate: RunningGate) -> None:
    url = f"{gate.url}/private-scoped"
    assert_problem(httpx.get(url), 401, "invalid-token")
    response = httpx.get(url, headers=gate.bearer())
    assert_problem(response, 403, "forbidden")
    challenge = f'Bearer error="insufficient_scope", scope="{READ_SCOPE}"'
    assert response.headers["www-authenticate"] == challenge
    response = httpx.get(url, headers=gate.bearer(scp=[READ_SCOPE]))
    assert (response.status_code, response.json()) == (200, MESSAGE)


def test_openapi_names_the_scopes_of_each_operation(gate: RunningGate) -> None:
    document = httpx.get(f"{gate.url}/openapi.json").json()
    security = {
        path: methods["get"].get("security")
        for path, methods in document["paths"].items()
        if path.startswith("/p")
    }
    assert security == {
        "/public": None,
        "/private": [{"oauth2": []}],
        "/private-scoped": [{"oauth2": [READ_SCOPE]}],
    }
    scheme = document["components"]["securitySchemes"]["oauth2"]
    flow = scheme["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == SCOPES
    assert set(document["paths"]["/private"]["get"]["responses"]) == {
        "200",
        "401",
        "403",
        "503",
    }
    assert set(document["paths"]["/public"]["get"]["responses"]) == {"200"}


def _app(endpoint: Any) -> Application:
    app = Application(access={"/openapi.json": PUBLIC}, docs_url=None, redoc_url=None)
    app.add_api_route("/x", endpoint)
    return app


def test_openapi_lists_alternative_scopes_as_alternatives() -> None:
    app = _app(requires("a", any_of=("b", "c"))(lambda: None))
    schemes = SecuritySchemes("https://x", IssuerEndpoints(token="https://x/v1/token"))
    operation = OpenAPIDocument(app, lambda: schemes).whole()["paths"]["/x"]["get"]
    assert operation["security"] == [
        {"oauth2": ["a", "b"]},
        {"oauth2": ["a", "c"]},
    ]
    assert app.scopes() == {"a", "b", "c"}


def test_route_without_declaration_fails_at_startup() -> None:
    with pytest.raises(UndeclaredAccess, match="/x"):
        _app(lambda: None).build_middleware_stack()


@pytest.mark.parametrize("decorator", [public, authenticated, requires("a")])
def test_access_decorator_returns_the_same_function(decorator: Any) -> None:
    async def endpoint() -> None: ...

    assert decorator(endpoint) is endpoint
    _app(endpoint).build_middleware_stack()
    _ = Route("/y", endpoint)


def test_access_decorator_sets_its_access() -> None:
    def access(decorator: Any) -> Any:
        return decorator(lambda: None).access

    assert access(public) == PUBLIC
    assert access(authenticated) == AUTHENTICATED
    assert access(requires("a", "b", any_of=["c"])) == Access(("a", "b"), ("c",))


@pytest.mark.parametrize("name", ["all_of", "any_of"])
def test_scopes_of_an_iterator_are_kept(name: str) -> None:
    """Checking them once would exhaust it, and leave an operation without scopes."""
    scopes: Any = iter(["b", "c"])
    assert getattr(Access(**{name: scopes}), name) == ("b", "c")


def test_requires_keeps_the_scopes_of_an_iterator() -> None:
    endpoint: Any = requires("a", any_of=iter(["b", "c"]))(lambda: None)
    assert endpoint.access == Access(("a",), ("b", "c"))


def test_requires_without_scopes_is_rejected() -> None:
    with pytest.raises(ValueError, match="@authenticated"):
        requires()


@pytest.mark.parametrize("scope", ["read write", "", 'a"b', 7])
def test_scope_that_no_token_can_have_is_rejected(scope: Any) -> None:
    with pytest.raises(ValueError, match="is not a scope"):
        requires(scope)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"all_of": "read"}, "must be a list of scopes"),
        ({"any_of": "read"}, "must be a list of scopes"),
        ({"all_of": ("read",), "public": True}, "must not name scopes"),
        ({"public": "no"}, "public must be true or false"),
        ({"verifies_token": True}, "verifies_token is for public operations"),
    ],
)
def test_access_that_contradicts_itself_is_rejected(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Access(**arguments)


@pytest.mark.parametrize("second", [public, authenticated, requires("b")])
def test_second_declaration_of_endpoint_is_rejected(second: Any) -> None:
    """The outer one would override the inner one: ``@public`` would open the endpoint."""
    endpoint = requires("a")(lambda: None)
    with pytest.raises(ValueError, match="declares its access twice"):
        second(endpoint)
    assert requires("a")(endpoint) is endpoint


def test_declaration_that_differs_from_access_of_path_stops_start() -> None:
    app = _app(public(lambda: None))
    app.access["/x"] = Access(("a",))
    with pytest.raises(RouteError, match="/x declares its access twice"):
        app.build_middleware_stack()
