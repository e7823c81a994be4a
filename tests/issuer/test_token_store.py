"""Introspection (RFC 7662), revocation (RFC 7009), and the bounded token store."""

from pathlib import Path

import httpx
import pytest

from encore.issuer.oauth_errors import UnsupportedTokenTypeError
from encore.issuer.token_store import ActiveToken, TokenStore

BASE = "/oauth2/default/v1"
FORM = {"grant_type": "client_credentials", "scope": "a b"}


@pytest.fixture
def token(http: httpx.Client, basic: tuple[str, str]) -> str:
    return str(http.post(f"{BASE}/token", data=FORM, auth=basic).json()["access_token"])


def introspect(http: httpx.Client, token: str, auth: tuple[str, str]) -> httpx.Response:
    return http.post(f"{BASE}/introspect", data={"token": token}, auth=auth)


def test_introspection_of_an_active_token_describes_it(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    response = introspect(http, token, basic)
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["active"] is True
    assert (body["client_id"], body["scope"], body["token_type"]) == (basic[0], "a b", "Bearer")
    assert body["exp"] - body["iat"] == 3600


@pytest.mark.parametrize("token", ["x", "a.b.c", "\u00e9" * 9])
def test_introspection_of_an_unknown_token_is_inactive_only(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    assert introspect(http, token, basic).json() == {"active": False}


def test_revoked_token_is_inactive_and_can_be_revoked_again(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    for _ in range(2):
        response = http.post(f"{BASE}/revoke", data={"token": token}, auth=basic)
        assert (response.status_code, response.content) == (200, b"")
    assert introspect(http, token, basic).json() == {"active": False}


def test_revocation_of_another_clients_token_is_rejected(
    http: httpx.Client, basic: tuple[str, str], token: str
) -> None:
    other = ("other", "other-secret")
    response = http.post(f"{BASE}/revoke", data={"token": token}, auth=other)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert introspect(http, token, basic).json()["active"] is True


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
def test_endpoints_require_client_credentials_and_a_token_in_the_body(
    http: httpx.Client, basic: tuple[str, str], endpoint: str, token: str
) -> None:
    url = f"{BASE}/{endpoint}"
    assert http.post(url, data={"token": token}).status_code == 401
    assert http.post(url, auth=basic).status_code == 400
    assert http.post(url, params={"token": token}, auth=basic).status_code == 400


def test_full_store_drops_the_oldest_and_expired_tokens() -> None:
    store = TokenStore(capacity=2)
    for name in ("first", "second", "third"):
        store.add(name, ActiveToken("c", "a", {"exp": 100}))
    assert len(store) == 2
    assert store.find("first", now=1) is None
    assert store.find("third", now=99) is not None
    assert store.find("third", now=100) is None
    assert len(store) == 1


@pytest.mark.parametrize("content", ["", "AT.1\n", "AT.1"])
def test_revoked_jti_is_appended_on_a_line_of_its_own(tmp_path: Path, content: str) -> None:
    file = tmp_path / "revoked.txt"
    file.write_text(content)
    store = TokenStore(revoked=file)
    store.add("token", ActiveToken("c", "a", {"exp": 100, "jti": "AT.2"}))
    store.revoke("token")
    assert file.read_text() == ("AT.1\nAT.2\n" if content else "AT.2\n")


def test_token_stays_active_when_its_revocation_cannot_be_written(tmp_path: Path) -> None:
    store = TokenStore(revoked=tmp_path / "absent" / "revoked.txt")
    store.add("token", ActiveToken("c", "a", {"exp": 100, "jti": "AT.2"}))
    with pytest.raises(FileNotFoundError):
        store.revoke("token")
    assert store.find("token", now=1) is not None


def test_jwt_without_jti_is_not_revoked_where_services_need_one(tmp_path: Path) -> None:
    file = tmp_path / "revoked.txt"
    store = TokenStore(revoked=file)
    for token in ("a.b.c", "opaque"):
        store.add(token, ActiveToken("c", "a", {"exp": 100}))
    with pytest.raises(UnsupportedTokenTypeError, match="has no jti"):
        store.revoke("a.b.c")
    assert store.find("a.b.c", now=1) is not None
    store.revoke("opaque")
    assert store.find("opaque", now=1) is None
    assert not file.exists()
