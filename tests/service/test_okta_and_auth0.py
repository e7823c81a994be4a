"""Okta's and Auth0's own requests, end to end against ``encore dev``."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from encore.issuer import IssuerSettings
from encore.server.development import _trust_both_shapes
from encore.settings import Settings, trusted_issuers
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import START_SECONDS, System, start_items
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.processes

AUTH0_AUDIENCE = "https://quickstarts/api"
CLIENT = ("sample-client", "sample-secret")
REVOKED = "revoked.txt"


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a development system with Auth0 tokens, introspection and revocation enabled."""
    directory = tmp_path_factory.mktemp("development")
    (directory / REVOKED).touch()
    (directory / ".okta.env").write_text(
        f'export OKTA_OAUTH2_CLIENT_ID="{CLIENT[0]}"\n'
        f'export OKTA_OAUTH2_CLIENT_SECRET="{CLIENT[1]}"\n'
    )
    (directory / ".env.local").write_text(f"CLIENT_ID={CLIENT[0]}\nCLIENT_SECRET={CLIENT[1]}\n")
    issuer = f"http://localhost:{free_port()}/oauth2/default"
    system = start_items(
        directory,
        ISSUER=issuer,
        AUTH0_AUDIENCE=AUTH0_AUDIENCE,
        REVOKED_TOKENS_FILE=REVOKED,
        INTROSPECTION_URL=f"{issuer}/v1/introspect",
        INTROSPECTION_CLIENT_ID=CLIENT[0],
        INTROSPECTION_CLIENT_SECRET=CLIENT[1],
    )
    yield system
    system.stop()


def auth0_origin(system: System) -> str:
    return system.issuer.removesuffix("/oauth2/default")


def okta_token(system: System, scope: str = "items", **parameters: str) -> str:
    """Request a token as the Node client of Okta's sample does: by query, with an empty body."""
    response = httpx.post(
        f"{system.issuer}/v1/token",
        params={"grant_type": "client_credentials", "scope": scope, **parameters},
        auth=CLIENT,
    )
    token: str = response.raise_for_status().json()["access_token"]
    return token


def auth0_token(system: System, form: bool = False, **changes: str) -> str:  # noqa: FBT001, FBT002 - a parameter of the test
    """Request a token as Auth0's samples do: JSON or a form, with credentials in the body."""
    body = {
        "client_id": CLIENT[0],
        "client_secret": CLIENT[1],
        "audience": AUTH0_AUDIENCE,
        "grant_type": "client_credentials",
        **changes,
    }
    sent: dict[str, Any] = {"data": body} if form else {"json": body}
    response = httpx.post(f"{auth0_origin(system)}/oauth/token", **sent)
    token: str = response.raise_for_status().json()["access_token"]
    return token


def get(system: System, path: str, token: str) -> httpx.Response:
    return httpx.get(f"{system.url}{path}", headers={"Authorization": f"Bearer {token}"})


def test_token_by_oktas_sample_request_is_accepted(development: System) -> None:
    assert get(development, "/items", okta_token(development)).status_code == 200


def test_token_by_oktas_sample_request_without_the_scope_is_403(development: System) -> None:
    response = get(development, "/items", okta_token(development, "another"))
    assert_problem(response, 403, "forbidden", "Could not verify the proper scope")


@pytest.mark.parametrize("form", [False, True])
def test_token_by_auth0s_sample_request_is_accepted_by_all_routes(
    development: System, *, form: bool
) -> None:
    token = auth0_token(development, form)
    for path in ("/public", "/private", "/private-scoped", "/items"):
        assert get(development, path, token).status_code == 200, path


def test_auth0_token_with_a_narrower_scope_is_403_elsewhere(development: System) -> None:
    token = auth0_token(development, scope="read:messages")
    assert get(development, "/private-scoped", token).status_code == 200
    assert_problem(get(development, "/items", token), 403, "forbidden")


def test_auth0_token_with_oktas_audience_is_401(development: System) -> None:
    token = auth0_token(development, audience="api://default")
    assert_problem(get(development, "/private", token), 401, "invalid-token")


def test_client_is_logged_for_okta_and_auth0_tokens(development: System) -> None:
    for token in (okta_token(development), auth0_token(development)):
        response = get(development, "/items", token)
        deadline = time.monotonic() + START_SECONDS
        while response.headers["x-request-id"] not in development.output():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert development.output().count(f'"client":"{CLIENT[0]}"') >= 2


def test_opaque_token_is_introspected(development: System) -> None:
    token = okta_token(development, token_format="opaque")
    assert "." not in token
    assert get(development, "/items", token).status_code == 200
    assert_problem(get(development, "/private-scoped", token), 403, "forbidden")
    assert_problem(get(development, "/items", token + "x"), 401, "invalid-token")


def _revoke_token(system: System, token: str) -> None:
    httpx.post(f"{system.issuer}/v1/revoke", data={"token": token}, auth=CLIENT).raise_for_status()


def test_revoked_opaque_token_is_401(development: System) -> None:
    token = okta_token(development, token_format="opaque")
    _revoke_token(development, token)
    response = get(development, "/items", token)
    assert_problem(response, 401, "invalid-token", "Jwt is not valid")


def test_revoked_jwt_is_401_and_another_jwt_is_accepted(development: System) -> None:
    token, other_token = okta_token(development), okta_token(development)
    assert get(development, "/items", token).status_code == 200
    _revoke_token(development, token)
    deadline = time.monotonic() + START_SECONDS
    while (response := get(development, "/items", token)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_problem(response, 401, "invalid-token")
    assert get(development, "/items", other_token).status_code == 200


def test_development_trusts_okta_and_auth0_issuers_by_setting() -> None:
    def trusted(**environment: str) -> list[tuple[Any, ...]]:
        settings = Settings.parse(environment)
        issuer = IssuerSettings(
            issuer=settings.issuer, audience="x", clients={"a": "b"}, default_scopes=()
        )
        overrides = _trust_both_shapes(settings, issuer)
        found = trusted_issuers(Settings.parse({**environment, **overrides}))
        return [
            (trusted_issuer.issuer, trusted_issuer.audience, trusted_issuer.scope_claims)
            for trusted_issuer in found
        ]

    okta = ("http://localhost:3001/oauth2/default", "api://default", ("scp",))
    auth0 = ("http://localhost:3001/", "api://default", ("scope", "permissions"))
    tenant = ("https://t.auth0.com/", "q", ("scope", "permissions"))
    assert trusted(ISSUER=okta[0]) == [okta, auth0]
    assert trusted(ISSUER=auth0[0]) == [auth0]
    assert trusted(ISSUER=okta[0], AUTH0_AUDIENCE="q")[1] == (auth0[0], "q", auth0[2])
    both = trusted(
        ISSUER=okta[0], AUTH0_DOMAIN="t.auth0.com", AUTH0_AUDIENCE="q", AUTH0_USER_PREFIX="t:"
    )
    assert both == [okta, tenant]
