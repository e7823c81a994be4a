"""OpenID Connect: ID tokens and the userinfo endpoint."""

import time
from typing import Any

import httpx
import pytest
from jose import jwt

from tests.fixtures.consent import Person, query_of
from tests.issuer.logins import AUTH0, OKTA, SHAPES, Shape, code_of, redeem, request_with

JWKS = {OKTA: "/oauth2/default/v1/keys", AUTH0: "/.well-known/jwks.json"}
USERINFO = {OKTA: "/oauth2/default/v1/userinfo", AUTH0: "/userinfo"}
ALL = "openid profile email parts_manager"


def login(http: httpx.Client, shape: Shape = OKTA, **changes: str) -> dict[str, Any]:
    code = code_of(http, shape, "ada", **({"scope": ALL} | changes))
    content: dict[str, Any] = redeem(http, code, shape).json()
    return content


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("shape", SHAPES)
def test_id_token_is_for_the_client_and_has_nonce_and_times(
    http: httpx.Client, origin: str, shape: Shape
) -> None:
    tokens = login(http, shape, nonce="n-é")
    claims = jwt.decode(
        tokens["id_token"],
        http.get(JWKS[shape]).json(),
        algorithms="RS256",
        audience="docs",
        issuer=origin + shape.issuer_path,
        access_token=tokens["access_token"],  # Checks at_hash.
        options={"require_at_hash": True},
    )
    access = jwt.get_unverified_claims(tokens["access_token"])
    assert (claims["nonce"], claims["sub"]) == ("n-é", access["sub"])
    assert (claims["preferred_username"], claims["email"]) == ("ada", "ada@example.com")
    assert abs(claims["auth_time"] - time.time()) < 60


def test_refreshed_id_token_has_no_nonce_and_the_time_of_the_login(http: httpx.Client) -> None:
    tokens = login(http, scope="openid offline_access", nonce="n")
    form = {
        "grant_type": "refresh_token",
        "client_id": "docs",
        "refresh_token": tokens["refresh_token"],
    }
    refreshed = http.post(OKTA.token, data=form).json()
    first, second = (jwt.get_unverified_claims(t["id_token"]) for t in (tokens, refreshed))
    assert first["nonce"] == "n"
    assert "nonce" not in second
    assert second["auth_time"] == first["auth_time"]


def test_claims_follow_the_scopes(http: httpx.Client) -> None:
    claims = jwt.get_unverified_claims(login(http, scope="openid")["id_token"])
    assert not {"name", "preferred_username", "email", "nonce"} & claims.keys()
    assert "id_token" not in login(http, scope="parts_manager profile")


def test_openid_cannot_be_unticked(http: httpx.Client) -> None:
    with Person() as person:
        url = OKTA.url(http, request_with(scope="openid parts_manager"))
        back = person.allow(url, untick=["openid", "parts_manager"])
    tokens = redeem(http, query_of(back)["code"]).json()
    assert tokens["scope"] == "openid"
    assert "id_token" in tokens


def test_openid_scopes_are_no_permissions_of_auth0(http: httpx.Client) -> None:
    claims = jwt.get_unverified_claims(login(http, AUTH0)["access_token"])
    assert (claims["permissions"], claims["scope"]) == (["parts_manager"], ALL)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_says_what_the_id_token_says(
    http: httpx.Client, shape: Shape, method: str
) -> None:
    tokens = login(http, shape)
    response = http.request(method, USERINFO[shape], headers=bearer(tokens["access_token"]))
    claims = jwt.get_unverified_claims(tokens["id_token"])
    assert response.status_code == 200
    content = response.json()
    assert content.keys() == {"sub", "name", "preferred_username", "email"}
    assert content == {name: claims[name] for name in content}


def test_userinfo_refuses_what_is_not_a_token_for_it(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    tokens = login(http)
    own = {"grant_type": "client_credentials", "scope": "openid"}
    client_token = http.post(OKTA.token, data=own, auth=basic).json()["access_token"]
    without_openid = login(http, scope="parts_manager")["access_token"]
    cases = [
        ({}, 401, "Bearer"),
        ({"Authorization": "Basic eDp5"}, 401, "Bearer"),
        ({"Authorization": "Bearer"}, 401, 'Bearer error="invalid_token"'),
        (bearer("x"), 401, 'Bearer error="invalid_token"'),
        (bearer(tokens["id_token"]), 401, 'Bearer error="invalid_token"'),
        (bearer(client_token), 403, 'Bearer error="insufficient_scope", scope="openid"'),
        (bearer(without_openid), 403, 'Bearer error="insufficient_scope", scope="openid"'),
    ]
    for headers, status, challenge in cases:
        response = http.get(USERINFO[OKTA], headers=headers)
        assert (response.status_code, response.headers["www-authenticate"]) == (status, challenge)
    assert http.get(USERINFO[AUTH0], headers=bearer(tokens["access_token"])).status_code == 401
    twice = [("Authorization", f"Bearer {tokens['access_token']}")] * 2
    assert http.get(USERINFO[OKTA], headers=twice).status_code == 400


def test_userinfo_refuses_a_revoked_token(http: httpx.Client) -> None:
    token = login(http)["access_token"]
    form = {"client_id": "docs", "token": token}
    assert http.post("/oauth2/default/v1/revoke", data=form).status_code == 200
    assert http.get(USERINFO[OKTA], headers=bearer(token)).status_code == 401


def test_metadata_names_what_openid_connect_needs(http: httpx.Client, origin: str) -> None:
    for shape in SHAPES:
        path = f"{shape.issuer_path.rstrip('/')}/.well-known/openid-configuration"
        metadata = http.get(path).json()
        assert metadata["authorization_endpoint"] == origin + shape.authorize
        assert metadata["userinfo_endpoint"] == origin + USERINFO[shape]
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert metadata["authorization_response_iss_parameter_supported"] is True
        assert metadata["response_types_supported"] == ["code"]
        assert "none" in metadata["token_endpoint_auth_methods_supported"]
        assert {"parts_manager", "openid", "offline_access"} <= set(metadata["scopes_supported"])
        device = http.post(metadata["device_authorization_endpoint"])
        assert device.status_code == 401
        assert http.post(metadata["revocation_endpoint"]).status_code == 401
