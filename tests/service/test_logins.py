"""Tokens of users who logged in at the development issuer, at the running service."""

import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from tests.fixtures.consent import Person, query_of
from tests.fixtures.system import START_SECONDS, System
from tests.issuer.logins import CHALLENGE, VERIFIER

REDIRECT = "http://127.0.0.1:45678/callback"
SCOPES = "create:timesheets read:timesheets"
OKTA, AUTH0 = "/oauth2/default/v1", ""


def code_form(origin: str, base: str) -> dict[str, str]:
    """Let ada log in; return the token request for her code."""
    request = {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": REDIRECT,
        "scope": SCOPES,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    with Person() as person:
        back = person.allow(f"{origin}{base}/authorize?{urlencode(request)}", "ada")
    return {
        "grant_type": "authorization_code",
        "client_id": "client",
        "code": query_of(back)["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }


@pytest.mark.parametrize(("base", "token_path"), [(OKTA, f"{OKTA}/token"), (AUTH0, "/oauth/token")])
def test_user_of_either_shape_calls_the_service_until_the_code_is_replayed(
    system: System, base: str, token_path: str
) -> None:
    parts = urlsplit(system.issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    form = code_form(origin, base)
    token = httpx.post(origin + token_path, data=form).raise_for_status().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    entry: dict[str, Any] = {"year": 2020, "week": 7, "project": "StoreZero", "hours": 1}
    created = httpx.post(f"{system.url}/timesheets", json=entry, headers=headers)
    assert created.status_code == 201, created.text
    assert created.json()["user_id"] == "ada"
    assert httpx.get(f"{system.url}/parts", headers=headers).status_code == 403

    assert httpx.post(origin + token_path, data=form).json()["error"] == "invalid_grant"
    deadline = time.monotonic() + START_SECONDS
    while httpx.get(f"{system.url}/timesheets", headers=headers).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
