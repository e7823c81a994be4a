"""Refresh tokens: rotation, and what ends a family."""

from typing import Any

import httpx
import pytest

from encore.issuer.expiring_store import ExpiringStore
from tests.issuer.logins import AUTH0, OKTA, SHAPES, Shape, code_of, redeem

INTROSPECT = "/oauth2/default/v1/introspect"
REVOKE = {OKTA: "/oauth2/default/v1/revoke", AUTH0: "/oauth/revoke"}
OFFLINE = "parts_manager offline_access"


def login(http: httpx.Client, shape: Shape = OKTA) -> dict[str, Any]:
    content: dict[str, Any] = redeem(http, code_of(http, shape, scope=OFFLINE), shape).json()
    return content


def refresh(http: httpx.Client, token: str, shape: Shape = OKTA, **changes: str) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "docs"}
    response = http.post(shape.token, data=form | changes)
    assert response.status_code in (200, 400, 401), response.text
    content: dict[str, Any] = response.json()
    return content


def is_active(http: httpx.Client, basic: tuple[str, str], token: str) -> bool:
    return bool(http.post(INTROSPECT, data={"token": token}, auth=basic).json()["active"])


def test_login_without_offline_access_gives_no_refresh_token(http: httpx.Client) -> None:
    assert "refresh_token" not in redeem(http, code_of(http)).json()


@pytest.mark.parametrize("shape", SHAPES)
def test_refresh_token_gives_a_new_pair(http: httpx.Client, shape: Shape) -> None:
    first = login(http, shape)
    second = refresh(http, first["refresh_token"], shape)
    assert second["scope"] == OFFLINE
    assert second["access_token"] != first["access_token"]
    third = refresh(http, second["refresh_token"], shape)
    assert third["refresh_token"] not in (first["refresh_token"], second["refresh_token"])


def test_refresh_token_used_twice_ends_its_family(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    first = login(http)
    second = refresh(http, first["refresh_token"])
    assert is_active(http, basic, second["access_token"])
    assert refresh(http, first["refresh_token"])["error"] == "invalid_grant"
    assert not is_active(http, basic, first["access_token"])
    assert not is_active(http, basic, second["access_token"])
    assert refresh(http, second["refresh_token"])["error"] == "invalid_grant"


def test_replayed_code_ends_the_family(http: httpx.Client) -> None:
    code = code_of(http, scope=OFFLINE)
    tokens = redeem(http, code).json()
    assert redeem(http, code).json()["error"] == "invalid_grant"
    assert refresh(http, tokens["refresh_token"])["error"] == "invalid_grant"


def test_scope_may_be_narrowed_for_one_access_token(http: httpx.Client) -> None:
    narrow = refresh(http, login(http)["refresh_token"], scope="parts_manager")
    assert narrow["scope"] == "parts_manager"
    assert refresh(http, narrow["refresh_token"])["scope"] == OFFLINE


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"refresh_token": ""}, "invalid_request"),
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"client_id": "client"}, "invalid_grant"),
        ({"client_id": "dev-client"}, "invalid_client"),
        ({"scope": "batch:upload"}, "invalid_scope"),
        ({"scope": "a  b"}, "invalid_scope"),
        ({"token_format": "xml"}, "invalid_request"),
        ({"resource": "https://else.example"}, "invalid_target"),
    ],
)
def test_invalid_refresh_leaves_the_token_valid(
    http: httpx.Client, changes: dict[str, str], error: str
) -> None:
    token = login(http)["refresh_token"]
    assert refresh(http, token, OKTA, **changes)["error"] == error
    assert "access_token" in refresh(http, token)


def test_refresh_token_is_for_the_resource_that_was_asked_for(http: httpx.Client) -> None:
    token = login(http, AUTH0)["refresh_token"]
    assert refresh(http, token, AUTH0, resource="api://default")["error"] == "invalid_target"
    assert "access_token" in refresh(http, token, AUTH0, audience="https://api.example")


def test_refresh_token_of_one_shape_is_unknown_to_the_other(http: httpx.Client) -> None:
    assert refresh(http, login(http)["refresh_token"], AUTH0)["error"] == "invalid_grant"


@pytest.mark.parametrize("shape", SHAPES)
def test_revoked_refresh_token_ends_its_family(
    http: httpx.Client, basic: tuple[str, str], shape: Shape
) -> None:
    tokens = login(http, shape)
    form = {"client_id": "docs", "token": tokens["refresh_token"]}
    other = http.post(REVOKE[shape], data=form | {"client_id": "client"})
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    assert http.post(REVOKE[shape], data=form).status_code == 200
    assert not is_active(http, basic, tokens["access_token"])
    assert refresh(http, tokens["refresh_token"], shape)["error"] == "invalid_grant"


def test_refresh_token_is_not_an_active_token_for_services(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    assert not is_active(http, basic, login(http)["refresh_token"])


def test_store_forgets_expired_values_and_drops_the_oldest() -> None:
    now = 0.0
    store = ExpiringStore[str](10, lambda: now, capacity=2)
    keys = [store.add(value) for value in "abc"]
    assert [store.find(key) for key in keys] == [None, "b", "c"]
    assert len(store) == 2
    store.remove(keys[1])
    assert store.find(keys[1]) is None
    now = 10.0
    assert store.find(keys[2]) is None
