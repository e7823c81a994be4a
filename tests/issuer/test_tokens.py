"""What tokens say, and that verifiers take them: RFC 6749 section 4.4 in both vendors' shapes."""

from typing import Any

import httpx
import pytest
from jose import jwk, jwt

OKTA = "/oauth2/default"
FORM = {"grant_type": "client_credentials", "scope": "parts_manager"}


def verified(http: httpx.Client, keys_path: str, token: str, **expected: Any) -> dict[str, Any]:
    kid = jwt.get_unverified_header(token)["kid"]
    [key] = [k for k in http.get(keys_path).json()["keys"] if k["kid"] == kid]
    return jwt.decode(token, jwk.construct(key), algorithms=["RS256"], **expected)


def test_an_okta_token_has_exactly_oktas_header_and_claims(
    http: httpx.Client, origin: str, basic: tuple[str, str]
) -> None:
    answer = http.post(f"{OKTA}/v1/token", data=FORM, auth=basic)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == (
        "Bearer",
        3600,
        "parts_manager",
    )
    token = body["access_token"]
    assert set(jwt.get_unverified_header(token)) == {"alg", "kid"}
    issuer = origin + OKTA
    claims = verified(http, f"{OKTA}/v1/keys", token, audience="api://default", issuer=issuer)
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
def test_an_auth0_token_has_exactly_auth0s_header_and_claims(
    http: httpx.Client, origin: str, basic: tuple[str, str], encoding: str
) -> None:
    request = {
        "audience": "https://api.example",
        "grant_type": "client_credentials",
        "client_id": basic[0],
        "client_secret": basic[1],
    }
    answer = http.post("/oauth/token", **{encoding: request})  # type: ignore[arg-type]
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    claims = verified(
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


def test_the_sample_s_node_client_gets_a_token_by_query_and_an_empty_body(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    answer = http.post(f"{OKTA}/v1/token", params=FORM, auth=basic)
    assert answer.status_code == 200


def test_query_and_form_are_read_together(http: httpx.Client, basic: tuple[str, str]) -> None:
    answer = http.post(
        f"{OKTA}/v1/token",
        params={"grant_type": "client_credentials"},
        data={"scope": "a"},
        auth=basic,
    )
    assert answer.json()["scope"] == "a"


def test_basic_credentials_may_be_form_urlencoded_as_the_rfc_asks(http: httpx.Client) -> None:
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
def test_any_well_formed_scope_is_granted_once_and_in_order(
    http: httpx.Client, basic: tuple[str, str], scope: str, granted: list[str]
) -> None:
    answer = http.post(f"{OKTA}/v1/token", data=FORM | {"scope": scope}, auth=basic)
    assert jwt.get_unverified_claims(answer.json()["access_token"])["scp"] == granted


def test_auth0_s_shape_grants_the_scope_and_the_audience_that_are_asked_for(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    request = FORM | {"scope": "batch:upload", "audience": "api://default"}
    answer = http.post("/oauth/token", json=request, auth=basic)
    claims = jwt.get_unverified_claims(answer.json()["access_token"])
    assert (claims["scope"], claims["permissions"], claims["aud"]) == (
        "batch:upload",
        ["batch:upload"],
        "api://default",
    )


def test_two_tokens_of_one_second_differ(http: httpx.Client, basic: tuple[str, str]) -> None:
    tokens = {
        http.post(f"{OKTA}/v1/token", data=FORM, auth=basic).json()["access_token"]
        for _ in range(5)
    }
    assert len(tokens) == 5
