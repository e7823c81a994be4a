"""Tokens by client credentials (RFC 6749 section 4.4), in Okta's and Auth0's format."""

from typing import Any

import httpx
import pytest
from jose import jwk, jwt

OKTA = "/oauth2/default"
FORM = {"grant_type": "client_credentials", "scope": "parts_manager"}


def verify_token(http: httpx.Client, keys_path: str, token: str, **expected: Any) -> dict[str, Any]:
    kid = jwt.get_unverified_header(token)["kid"]
    [key] = [k for k in http.get(keys_path).json()["keys"] if k["kid"] == kid]
    return jwt.decode(token, jwk.construct(key), algorithms=["RS256"], **expected)


def test_okta_token_has_oktas_header_and_claims(
    http: httpx.Client, origin: str, basic: tuple[str, str]
) -> None:
    response = http.post(f"{OKTA}/v1/token", data=FORM, auth=basic)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    body = response.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == (
        "Bearer",
        3600,
        "parts_manager",
    )
    token = body["access_token"]
    assert set(jwt.get_unverified_header(token)) == {"alg", "kid"}
    issuer = origin + OKTA
    claims = verify_token(http, f"{OKTA}/v1/keys", token, audience="api://default", issuer=issuer)
    assert claims.pop("jti").startswith("AT.")
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert claims == {
        "ver": 1,
        "iss": issuer,
        "aud": "api://default",
        "cid": basic[0],
        "scp": ["parts_manager"],
        "sub": basic[0],
    }


@pytest.mark.parametrize("encoding", ["json", "data"])
def test_auth0_token_has_auth0s_header_and_claims(
    http: httpx.Client, origin: str, basic: tuple[str, str], encoding: str
) -> None:
    request = {
        "audience": "https://api.example",
        "grant_type": "client_credentials",
        "client_id": basic[0],
        "client_secret": basic[1],
    }
    response = http.post("/oauth/token", **{encoding: request})  # type: ignore[arg-type] # data or json
    assert response.status_code == 200
    token = response.json()["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    claims = verify_token(
        http,
        "/.well-known/jwks.json",
        token,
        audience="https://api.example",
        issuer=f"{origin}/",
    )
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert claims == {
        "iss": f"{origin}/",
        "sub": f"{basic[0]}@clients",
        "aud": "https://api.example",
        "azp": basic[0],
        "gty": "client-credentials",
        "scope": "parts_manager batch:upload",
        "permissions": ["parts_manager", "batch:upload"],
    }


def test_token_request_by_query_with_empty_body_is_accepted(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    response = http.post(f"{OKTA}/v1/token", params=FORM, auth=basic)
    assert response.status_code == 200


def test_query_and_form_are_combined(http: httpx.Client, basic: tuple[str, str]) -> None:
    response = http.post(
        f"{OKTA}/v1/token",
        params={"grant_type": "client_credentials"},
        data={"scope": "a"},
        auth=basic,
    )
    assert response.json()["scope"] == "a"


def test_form_urlencoded_basic_credentials_are_accepted(http: httpx.Client) -> None:
    encoded = ("dev%2Dclient", "dev%2Bsecret%2Fwith%3Asigns")
    assert http.post(f"{OKTA}/v1/token", data=FORM, auth=encoded).status_code == 200


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("anything:at-all", ["anything:at-all"]),
        ("b a", ["b", "a"]),
        ("a a b", ["a", "b"]),
        ("!#[]~", ["!#[]~"]),
    ],
)
def test_valid_scopes_are_granted_once_in_order(
    http: httpx.Client, basic: tuple[str, str], scope: str, granted: list[str]
) -> None:
    response = http.post(f"{OKTA}/v1/token", data=FORM | {"scope": scope}, auth=basic)
    assert jwt.get_unverified_claims(response.json()["access_token"])["scp"] == granted


def test_auth0_endpoint_grants_the_requested_scope_and_audience(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    request = FORM | {"scope": "batch:upload", "audience": "api://default"}
    response = http.post("/oauth/token", json=request, auth=basic)
    claims = jwt.get_unverified_claims(response.json()["access_token"])
    assert (claims["scope"], claims["permissions"], claims["aud"]) == (
        "batch:upload",
        ["batch:upload"],
        "api://default",
    )


def test_tokens_issued_in_one_second_differ(http: httpx.Client, basic: tuple[str, str]) -> None:
    tokens = {
        http.post(f"{OKTA}/v1/token", data=FORM, auth=basic).json()["access_token"]
        for _ in range(5)
    }
    assert len(tokens) == 5
