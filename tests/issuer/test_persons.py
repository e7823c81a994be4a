"""Tokens of persons, by the password grant (RFC 6749 section 4.3), in both vendors' shapes."""

import httpx
import pytest
from jose import jwt

OKTA = "/oauth2/default/v1/token"
AUTH0 = "/oauth/token"
PERSON = {"grant_type": "password", "password": "anything", "scope": "read:timesheets"}


def claims_of(
    http: httpx.Client, basic: tuple[str, str], path: str, user: str
) -> dict[str, object]:
    """Ask for a person's token; give what it says."""
    answer = http.post(path, data=PERSON | {"username": user}, auth=basic)
    assert answer.status_code == 200, answer.text
    claims: dict[str, object] = jwt.get_unverified_claims(answer.json()["access_token"])
    return claims


@pytest.mark.parametrize("user", ["007", "jane@example.com", "Зоя", "a b"])
def test_okta_names_the_person_beside_the_client(
    http: httpx.Client, basic: tuple[str, str], user: str
) -> None:
    claims = claims_of(http, basic, OKTA, user)
    assert (claims["sub"], claims["cid"]) == (user, basic[0])
    assert claims["scp"] == ["read:timesheets"]
    uid = str(claims["uid"])
    assert (uid[:3], len(uid)) == ("00u", 20)
    assert claims_of(http, basic, OKTA, user)["uid"] == uid
    assert claims_of(http, basic, OKTA, "another")["uid"] != uid


def test_auth0_names_the_person_in_the_subject_and_in_the_samples_claim(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    claims = claims_of(http, basic, AUTH0, "jane@example.com")
    assert claims["sub"] == "auth0|jane@example.com"
    assert claims["https://api.exampleco.com/email"] == "jane@example.com"
    assert (claims["azp"], claims["gty"]) == (basic[0], "password")
    assert (claims["scope"], claims["permissions"]) == ("read:timesheets", ["read:timesheets"])


def test_a_clients_own_token_names_no_person(http: httpx.Client, basic: tuple[str, str]) -> None:
    form = {"grant_type": "client_credentials", "scope": "a", "username": "jane", "password": "b"}
    token = http.post(OKTA, data=form, auth=basic).json()["access_token"]
    claims = jwt.get_unverified_claims(token)
    assert claims["sub"] == basic[0]
    assert "uid" not in claims


def test_introspection_tells_the_person(http: httpx.Client, basic: tuple[str, str]) -> None:
    form = PERSON | {"username": "007", "token_format": "opaque"}
    token = http.post(OKTA, data=form, auth=basic).json()["access_token"]
    answer = http.post("/oauth2/default/v1/introspect", data={"token": token}, auth=basic).json()
    assert (answer["sub"], answer["client_id"]) == ("007", basic[0])
