"""Introspection (RFC 7662), revocation (RFC 7009), and the bounded memory behind them."""

import httpx
import pytest

from encore.issuer.token_store import ActiveToken, TokenStore

BASE = "/oauth2/default/v1"
FORM = {"grant_type": "client_credentials", "scope": "a b"}


@pytest.fixture
def token(http: httpx.Client, basic: tuple[str, str]) -> str:
    return str(http.post(f"{BASE}/token", data=FORM, auth=basic).json()["access_token"])


def introspect(http: httpx.Client, token: str, auth: tuple[str, str]) -> httpx.Response:
    return http.post(f"{BASE}/introspect", data={"token": token}, auth=auth)


def test_a_live_token_is_active_and_tells_whose_it_is(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    answer = introspect(http, token, basic)
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["active"] is True
    assert (body["client_id"], body["scope"], body["token_type"]) == (basic[0], "a b", "Bearer")
    assert body["exp"] - body["iat"] == 3600


@pytest.mark.parametrize("token", ["x", "a.b.c", "\u00e9" * 9])
def test_of_anything_else_nothing_is_told_but_that_it_is_not_active(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    assert introspect(http, token, basic).json() == {"active": False}


def test_a_revoked_token_is_not_active_and_revoking_again_is_no_error(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    for _ in range(2):
        answer = http.post(f"{BASE}/revoke", data={"token": token}, auth=basic)
        assert (answer.status_code, answer.content) == (200, b"")
    assert introspect(http, token, basic).json() == {"active": False}


def test_nobody_revokes_another_client_s_token(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    other = ("other", "other-secret")
    answer = http.post(f"{BASE}/revoke", data={"token": token}, auth=other)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert introspect(http, token, basic).json()["active"] is True


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
def test_both_endpoints_want_a_client_and_a_token_in_the_body(
    http: httpx.Client, basic: tuple[str, str], endpoint: str, token: str
) -> None:
    url = f"{BASE}/{endpoint}"
    assert http.post(url, data={"token": token}).status_code == 401
    assert http.post(url, auth=basic).status_code == 400
    assert http.post(url, params={"token": token}, auth=basic).status_code == 400


def test_a_full_ledger_forgets_the_oldest_and_an_expired_token_is_dropped() -> None:
    ledger = TokenStore(capacity=2)
    for name in ("first", "second", "third"):
        ledger.add(name, ActiveToken("c", "a", {"exp": 100}))
    assert len(ledger) == 2
    assert ledger.find("first", now=1) is None
    assert ledger.find("third", now=99) is not None
    assert ledger.find("third", now=100) is None
    assert len(ledger) == 1
