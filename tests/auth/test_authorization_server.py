"""Where issuers log persons in and issue tokens."""

import pytest

from encore.auth.authorization_server import UNKNOWN, IssuerEndpoints, find_endpoints

OKTA = "https://example.okta.com/oauth2/default"
ENTRA = "https://login.microsoftonline.com/0000-11"
KEYCLOAK = "https://id.example/realms/shop"
COGNITO = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x"


@pytest.mark.parametrize(
    ("issuer", "authorization", "token"),
    [
        (OKTA, f"{OKTA}/v1/authorize", f"{OKTA}/v1/token"),
        (
            "https://x.auth0.com/",
            "https://x.auth0.com/authorize",
            "https://x.auth0.com/oauth/token",
        ),
        (f"{ENTRA}/v2.0", f"{ENTRA}/oauth2/v2.0/authorize", f"{ENTRA}/oauth2/v2.0/token"),
        (
            KEYCLOAK,
            f"{KEYCLOAK}/protocol/openid-connect/auth",
            f"{KEYCLOAK}/protocol/openid-connect/token",
        ),
        (
            "http://localhost:3001/any/path",
            "http://localhost:3001/any/path/v1/authorize",
            "http://localhost:3001/any/path/v1/token",
        ),
    ],
)
def test_endpoints_before_discovery_are_those_of_the_vendor(
    issuer: str, authorization: str, token: str
) -> None:
    assert find_endpoints(issuer, {}) == IssuerEndpoints(authorization, token)


@pytest.mark.parametrize("issuer", [COGNITO, "https://sts.windows.net/x/", "https://id.example"])
def test_endpoints_of_other_issuers_are_unknown_before_discovery(issuer: str) -> None:
    assert find_endpoints(issuer, {}) == UNKNOWN


def test_endpoints_are_those_of_the_discovery_document() -> None:
    metadata = {
        "authorization_endpoint": "https://shop.auth.eu.example/oauth2/authorize",
        "token_endpoint": "https://shop.auth.eu.example/oauth2/token",
    }
    for issuer in (COGNITO, OKTA):
        assert find_endpoints(issuer, metadata) == IssuerEndpoints(*metadata.values())
    only_token = {"token_endpoint": "https://id.example/token"}
    assert find_endpoints(OKTA, only_token) == IssuerEndpoints(token="https://id.example/token")


@pytest.mark.parametrize(
    "url",
    [
        *("http://id.example/token", "javascript:alert(1)", "/token", "", 7, None),
        *("https://a;b/token", "https://a'b/", "https://user@id.example/", "https://a b/"),
    ],
)
def test_endpoint_that_a_browser_must_not_use_is_ignored(url: object) -> None:
    assert find_endpoints(COGNITO, {"token_endpoint": url}) == UNKNOWN
    metadata = {"token_endpoint": "https://id.example/token", "authorization_endpoint": url}
    assert find_endpoints(COGNITO, metadata).authorization == ""
