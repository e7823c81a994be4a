"""The issuer's discovery documents, key set, methods and CORS."""

import httpx
import pytest

from encore.issuer.grants import GRANTS
from encore.issuer.signing import SigningKey, thumbprint

OKTA = "/oauth2/default"


@pytest.mark.parametrize(
    "path",
    [
        f"{OKTA}/.well-known/openid-configuration",
        f"{OKTA}/.well-known/oauth-authorization-server",
        f"/.well-known/oauth-authorization-server{OKTA}",
    ],
)
def test_okta_metadata_names_the_issuer_and_existing_endpoints(
    http: httpx.Client, origin: str, path: str
) -> None:
    metadata = http.get(path).json()
    assert metadata["issuer"] == origin + OKTA
    assert metadata["jwks_uri"] == f"{origin}{OKTA}/v1/keys"
    grants = list(GRANTS)
    assert metadata["grant_types_supported"] == grants
    assert http.get(metadata["jwks_uri"]).status_code == 200
    for name in ("token", "introspection", "revocation"):
        assert http.post(metadata[f"{name}_endpoint"]).status_code == 401


@pytest.mark.parametrize("document", ["openid-configuration", "oauth-authorization-server"])
def test_auth0_metadata_has_the_issuer_with_a_final_slash(
    http: httpx.Client, origin: str, document: str
) -> None:
    metadata = http.get(f"/.well-known/{document}").json()
    assert metadata["issuer"] == f"{origin}/"
    assert metadata["token_endpoint"] == f"{origin}/oauth/token"
    assert http.get(metadata["jwks_uri"]).status_code == 200


def test_key_set_has_one_public_key_and_no_private_members(http: httpx.Client) -> None:
    keys = http.get(f"{OKTA}/v1/keys").json()
    assert keys == http.get("/.well-known/jwks.json").json()
    [key] = keys["keys"]
    assert set(key) == {"kty", "alg", "kid", "use", "e", "n"}
    assert key["kid"] == thumbprint(key)


def test_thumbprint_matches_the_example_of_rfc_7638() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"
        "SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_each_signing_key_has_a_unique_kid() -> None:
    assert SigningKey().kid != SigningKey().kid


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", f"{OKTA}/v1/token", 405, {"POST"}),
        ("GET", "/oauth/token", 405, {"POST"}),
        ("POST", f"{OKTA}/v1/keys", 405, {"GET", "HEAD"}),
        ("PUT", f"{OKTA}/v1/authorize", 405, {"GET", "HEAD", "POST"}),
        ("GET", f"{OKTA}/v1/consent", 405, {"POST"}),
        ("GET", "/", 404, None),
    ],
)
def test_unknown_path_or_method_is_a_json_error(
    http: httpx.Client, method: str, path: str, status: int, allow: set[str] | None
) -> None:
    response = http.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]
    if allow is not None:
        assert set(response.headers["allow"].split(", ")) == allow


@pytest.mark.parametrize(
    ("page_origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_cors_allows_loopback_origins_only(
    http: httpx.Client, page_origin: str, *, allowed: bool
) -> None:
    response = http.options(
        f"{OKTA}/v1/token",
        headers={
            "Origin": page_origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,x-requested-with",
        },
    )
    assert response.is_success == allowed
    assert ("access-control-allow-origin" in response.headers) == allowed
