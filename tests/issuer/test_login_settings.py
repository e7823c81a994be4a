"""Settings of logins that would make tokens ambiguous or leak codes are refused at the start."""

from typing import Any

import httpx
import pytest
from jose import jwt

from encore.issuer import IssuerSettings, IssuerSettingsError, PublicClient, User
from tests.issuer.logins import SHAPES, Shape, code_of, redeem


def make(**changes: Any) -> IssuerSettings:
    settings: dict[str, Any] = {
        "issuer": "http://localhost:3001/oauth2/default",
        "audience": "a",
        "clients": {"id": "hidden"},
        "default_scopes": ["s"],
    }
    return IssuerSettings(**(settings | changes))


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "//a.example/callback",
        "http://a.example/callback",
        "http://localhost.a.example/callback",
        "https:///callback",
        "https://a.example/callback#x",
        "https://a.example/callback#",
        "https://user@a.example/callback",
        "https://a.example:99999/callback",
        "https://[::1/callback",
        "https://a.example/call back",
        "https://a.example;script-src/callback",
        "https://a,b.example/callback",
        "https://*.example/callback",
        "https://a.example\\@b.example/",
        "https://é.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/callback",
        "file:///etc/passwd",
    ],
)
def test_unsafe_redirect_uri_is_refused(uri: str) -> None:
    with pytest.raises(IssuerSettingsError, match="redirect URI"):
        make(redirect_uris=[uri])
    with pytest.raises(IssuerSettingsError, match="redirect URI"):
        make(public_clients=[PublicClient(id_="p", name="P", redirect_uris=[uri])])


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.example/callback?x=y",
        "https://a.example:8443/callback",
        "http://localhost:3000/callback",
        "http://127.0.0.1/callback",
        "http://[::1]/callback",
        "com.example.app:/callback",
    ],
)
def test_safe_redirect_uri_is_accepted(uri: str) -> None:
    assert make(redirect_uris=[uri]).redirect_uris_of("id") == [uri]


@pytest.mark.parametrize(
    "changes",
    [
        {"public_clients": [PublicClient(id_="id", name="P")]},
        {"public_clients": [PublicClient(id_="p", name="P"), PublicClient(id_="p", name="Q")]},
        {"public_clients": [PublicClient(id_="", name="P")]},
        {"users": []},
        {"users": [User(name="")]},
        {"users": [User(name=" ada")]},
        {"users": [User(name="a" * 101)]},
        {"users": [User(name="ada"), User(name="ada")]},
        {"users": [User(name="id")]},
        {"users": [User(name="id@clients")]},
        {"users": [User(name="ada", claims={"aud": "x"})]},
        {"users": [User(name="ada", scopes=["a b"])]},
    ],
)
def test_ambiguous_clients_and_users_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IssuerSettingsError) as raised:
        make(**changes)
    assert "\n" not in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("shape", SHAPES)
def test_token_by_code_has_what_rfc_9068_requires(start_issuer: Any, shape: Shape) -> None:
    _, port = start_issuer(rfc9068=True)
    with httpx.Client(base_url=f"http://localhost:{port}", trust_env=False) as http:
        token = redeem(http, code_of(http, shape), shape).json()["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = jwt.get_unverified_claims(token)
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"} <= claims.keys()
    assert claims["client_id"] == "docs"
