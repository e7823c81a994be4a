"""The authorization code grant: from the request to the token, and codes that are refused."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from jose import jwt

from encore.issuer.token_profiles import EMAIL_CLAIM
from tests.fixtures.consent import Person, query_of
from tests.issuer.conftest import CALLBACK, WITH_QUERY
from tests.issuer.logins import (
    AUTH0,
    OKTA,
    SHAPES,
    VERIFIER,
    Shape,
    code_of,
    redeem,
    request_with,
)

INTROSPECT = "/oauth2/default/v1/introspect"


def claims_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    claims: dict[str, Any] = jwt.get_unverified_claims(response.json()["access_token"])
    return claims


@pytest.mark.parametrize("shape", SHAPES)
def test_allowed_request_returns_code_state_and_issuer(
    http: httpx.Client, origin: str, shape: Shape
) -> None:
    with Person() as person:
        url = person.allow(shape.url(http, request_with(state="a b&c=d%é")), "ada")
    assert url.startswith(f"{CALLBACK}?")
    query = query_of(url)
    assert query.keys() == {"code", "state", "iss"}
    assert (query["state"], query["iss"]) == ("a b&c=d%é", origin + shape.issuer_path)


def test_code_gives_a_token_of_the_chosen_user_in_oktas_shape(http: httpx.Client) -> None:
    response = redeem(http, code_of(http, user="ada"))
    claims = claims_of(response)
    assert (claims["sub"], claims["cid"], claims["aud"]) == ("ada", "docs", "api://default")
    assert (claims["scp"], claims["email"]) == (["parts_manager"], "ada@example.com")
    assert response.json()["scope"] == "parts_manager"
    assert response.headers["cache-control"] == "no-store"


def test_code_gives_a_token_of_the_chosen_user_in_auth0s_shape(http: httpx.Client) -> None:
    code = code_of(http, AUTH0, "grace", audience="api://default", scope="batch:upload")
    claims = claims_of(redeem(http, code, AUTH0))
    assert (claims["sub"], claims["azp"]) == ("auth0|grace", "docs")
    assert (claims["aud"], claims["permissions"]) == ("api://default", ["batch:upload"])
    assert "gty" not in claims
    assert claims[EMAIL_CLAIM] == "grace"
    claims = claims_of(redeem(http, code_of(http, AUTH0, "ada"), AUTH0))
    assert claims[EMAIL_CLAIM] == "ada@example.com"


def test_redirect_uri_keeps_its_query(http: httpx.Client) -> None:
    with Person() as person:
        url = person.allow(OKTA.url(http, request_with(redirect_uri=WITH_QUERY)))
    assert url.startswith(f"{WITH_QUERY}&code=")
    assert query_of(url)["tab"] == "1"


def test_confidential_client_authenticates_when_it_redeems_its_code(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    code = code_of(http, client_id="dev-client")
    assert redeem(http, code, client_id="dev-client").status_code == 401
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    assert claims_of(http.post(OKTA.token, data=form, auth=basic))["cid"] == "dev-client"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code": None}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"code_verifier": None}, 400, "invalid_request"),
        ({"code_verifier": "short"}, 400, "invalid_request"),
        ({"code_verifier": "a" * 129}, 400, "invalid_request"),
        ({"code_verifier": "é" * 43}, 400, "invalid_request"),
        ({"token_format": "xml"}, 400, "invalid_request"),
        ({"resource": "https://else.example"}, 400, "invalid_target"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
    ],
)
def test_incomplete_token_request_leaves_the_code_valid(
    http: httpx.Client, changes: dict[str, str | None], status: int, error: str
) -> None:
    code = code_of(http)
    response = redeem(http, code, OKTA, **changes)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert redeem(http, code).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"redirect_uri": WITH_QUERY}, "invalid_grant"),
        ({"client_id": "client"}, "invalid_grant"),
        ({"audience": "api://default"}, "invalid_target"),
        ({"resource": "api://default"}, "invalid_target"),
    ],
)
def test_token_request_that_does_not_fit_uses_the_code_up(
    http: httpx.Client, changes: dict[str, str | None], error: str
) -> None:
    code = code_of(http, AUTH0)
    assert redeem(http, code, AUTH0, **changes).json()["error"] == error
    assert redeem(http, code, AUTH0).json()["error"] == "invalid_grant"


def test_code_of_one_shape_is_unknown_to_the_other(http: httpx.Client) -> None:
    assert redeem(http, code_of(http, OKTA), AUTH0).json()["error"] == "invalid_grant"


def test_code_that_is_used_again_revokes_its_token(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    code = code_of(http)
    token = redeem(http, code).json()["access_token"]

    def is_active() -> bool:
        return bool(http.post(INTROSPECT, data={"token": token}, auth=basic).json()["active"])

    assert is_active()
    assert redeem(http, code).json()["error"] == "invalid_grant"
    assert not is_active()


@pytest.mark.parametrize("shape", SHAPES)
def test_token_of_a_replayed_code_is_reported_to_services(
    start_issuer: Any, tmp_path: Path, shape: Shape
) -> None:
    file = tmp_path / "revoked.txt"
    _, port = start_issuer(revoked_tokens_file=str(file))
    with httpx.Client(base_url=f"http://localhost:{port}", trust_env=False) as http:
        code = code_of(http, shape)
        claims = claims_of(redeem(http, code, shape))
        assert redeem(http, code, shape).json()["error"] == "invalid_grant"
    assert file.read_text().splitlines() == [claims["jti"]]


@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_public_client_may_not_use_grants_that_no_user_approves(
    http: httpx.Client, grant: str
) -> None:
    form = {"grant_type": grant, "client_id": "docs", "scope": "a", "username": "ada"}
    response = http.post(OKTA.token, data=form | {"password": "x"})
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_public_client_may_name_itself_by_basic_with_an_empty_password(http: httpx.Client) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": code_of(http),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    assert http.post(OKTA.token, data=form, auth=("docs", "")).status_code == 200
    assert http.post(OKTA.token, data=form, auth=("docs", "x")).status_code == 401


def test_public_client_may_not_introspect(http: httpx.Client) -> None:
    assert http.post(INTROSPECT, data={"client_id": "docs", "token": "x"}).status_code == 401


def test_public_client_may_revoke_its_own_token_only(http: httpx.Client) -> None:
    token = redeem(http, code_of(http)).json()["access_token"]
    url = "/oauth2/default/v1/revoke"
    other = http.post(url, data={"client_id": "client", "token": token})
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    assert http.post(url, data={"client_id": "docs", "token": token}).status_code == 200
