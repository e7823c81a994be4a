"""Tokens of users by the password grant (RFC 6749 section 4.3), in Okta's and Auth0's format."""

import httpx
import pytest
from jose import jwt

OKTA = "/oauth2/default/v1/token"
AUTH0 = "/oauth/token"
PASSWORD_FORM = {"grant_type": "password", "password": "anything", "scope": "read:timesheets"}


def claims_of(
    http: httpx.Client, basic: tuple[str, str], path: str, username: str
) -> dict[str, object]:
    """Get a token of a user; return its claims."""
    response = http.post(path, data=PASSWORD_FORM | {"username": username}, auth=basic)
    assert response.status_code == 200, response.text
    claims: dict[str, object] = jwt.get_unverified_claims(response.json()["access_token"])
    return claims


@pytest.mark.parametrize("username", ["007", "jane@example.com", "Зоя", "a b"])
def test_okta_token_names_user_and_client(
    http: httpx.Client, basic: tuple[str, str], username: str
) -> None:
    claims = claims_of(http, basic, OKTA, username)
    assert (claims["sub"], claims["cid"]) == (username, basic[0])
    assert claims["scp"] == ["read:timesheets"]
    uid = str(claims["uid"])
    assert (uid[:3], len(uid)) == ("00u", 20)
    assert claims_of(http, basic, OKTA, username)["uid"] == uid
    assert claims_of(http, basic, OKTA, "another")["uid"] != uid


def test_auth0_token_names_the_user_in_sub_and_the_email_claim(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    claims = claims_of(http, basic, AUTH0, "jane@example.com")
    assert claims["sub"] == "auth0|jane@example.com"
    assert claims["https://api.exampleco.com/email"] == "jane@example.com"
    assert (claims["azp"], claims["gty"]) == (basic[0], "password")
    assert (claims["scope"], claims["permissions"]) == ("read:timesheets", ["read:timesheets"])


def test_client_credentials_token_names_no_user(http: httpx.Client, basic: tuple[str, str]) -> None:
    form = {"grant_type": "client_credentials", "scope": "a", "username": "jane", "password": "b"}
    token = http.post(OKTA, data=form, auth=basic).json()["access_token"]
    claims = jwt.get_unverified_claims(token)
    assert claims["sub"] == basic[0]
    assert "uid" not in claims


def test_introspection_names_the_user(http: httpx.Client, basic: tuple[str, str]) -> None:
    form = PASSWORD_FORM | {"username": "007", "token_format": "opaque"}
    token = http.post(OKTA, data=form, auth=basic).json()["access_token"]
    response = http.post("/oauth2/default/v1/introspect", data={"token": token}, auth=basic).json()
    assert (response["sub"], response["client_id"]) == ("007", basic[0])
