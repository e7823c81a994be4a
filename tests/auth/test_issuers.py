"""Validation of the settings of a trusted issuer."""

from typing import Any

import pytest

from encore.auth import JWTVerifier, TrustedIssuer

INVALID: list[tuple[dict[str, Any], str]] = [
    ({"issuer": ""}, "issuer"),
    ({"issuer": "issuer.example"}, "issuer"),
    ({"issuer": "http://issuer.example"}, "issuer"),
    ({"issuer": "http://localhost.example"}, "issuer"),
    ({"issuer": "http://127.0.0.1.example"}, "issuer"),
    ({"issuer": "ftp://issuer.example"}, "issuer"),
    ({"issuer": "https://"}, "issuer"),
    ({"issuer": "https://issuer.example?x"}, "issuer"),
    ({"issuer": "https://issuer.example#x"}, "issuer"),
    ({"issuer": "https://user@issuer.example"}, "issuer"),
    ({"issuer": "https://issuer.example:port"}, "issuer"),
    ({"issuer": "https://issuer.example\n"}, "issuer"),
    ({"audience": ""}, "audience"),
    ({"algorithms": ()}, "algorithms"),
    ({"algorithms": ("none",)}, "algorithms"),
    ({"algorithms": ("RS256", "HS256")}, "algorithms"),
    ({"algorithms": ("RSA-OAEP",)}, "algorithms"),
    ({"min_rsa_exponent": 2}, "min_rsa_exponent"),
    ({"min_rsa_exponent": 65538}, "min_rsa_exponent"),
    ({"scope_claims": ("",)}, "scope_claims"),
    ({"clock_skew_seconds": -1}, "clock_skew_seconds"),
    ({"clock_skew_seconds": 121}, "clock_skew_seconds"),
    ({"clock_skew_seconds": float("nan")}, "clock_skew_seconds"),
    ({"jwks_uri": "http://issuer.example/keys"}, "jwks_uri"),
    ({"jwks_uri": "http://127.0.0.1/keys"}, "jwks_uri"),
    ({"jwks_uri": ""}, "jwks_uri"),
]


@pytest.mark.parametrize(("settings", "name"), INVALID)
def test_invalid_setting_is_named_in_the_error(settings: dict[str, Any], name: str) -> None:
    valid = {"issuer": "https://issuer.example", "audience": "a"}
    with pytest.raises(ValueError, match=f"^{name} must"):
        TrustedIssuer(**(valid | settings))


@pytest.mark.parametrize(
    "issuer",
    [
        "https://issuer.example/oauth2/default",
        "https://issuer.example/",
        "http://localhost:3001/oauth2/default",
        "http://127.0.0.1:3001/",
        "http://[::1]:3001",
    ],
)
def test_https_and_loopback_issuers_are_accepted(issuer: str) -> None:
    assert TrustedIssuer(issuer, "a", jwks_uri=issuer + "/keys").issuer == issuer


def test_verifier_without_issuers_or_with_duplicates_is_rejected(trusted: TrustedIssuer) -> None:
    for issuers in ([], [trusted, trusted]):
        with pytest.raises(ValueError, match="issuers"):
            JWTVerifier(issuers)
