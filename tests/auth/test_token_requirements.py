"""Requirements on tokens beyond the usual ones: profile, age, audiences, clients, paths, grants."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from encore.auth import JWTVerifier, TrustedIssuer
from encore.errors import Unauthorized
from tests.fixtures.tokens import AUDIENCE, ISSUER, NOW, Signer

pytestmark = pytest.mark.anyio

MakeVerifier = Callable[..., JWTVerifier]
AT_JWT = {"typ": "at+jwt"}
COGNITO: dict[str, Any] = {
    "aud": ...,
    "cid": ...,
    "client_id": "web",
    "token_use": "access",
    "sub": "ada",
}


@pytest.fixture
def requiring(make_verifier: MakeVerifier, trusted: TrustedIssuer) -> MakeVerifier:
    """Return a function that builds a verifier of an issuer with these requirements."""
    return lambda **changes: make_verifier(replace(trusted, **changes))


async def reason(verifier: JWTVerifier, token: bytes) -> str:
    with pytest.raises(Unauthorized) as raised:
        await verifier.verify(token)
    return raised.value.reason


async def test_profile_rfc9068_accepts_a_token_with_all_that_it_requires(
    requiring: MakeVerifier, signer: Signer
) -> None:
    token = signer.token(AT_JWT, client_id="web", cid=..., sub="ada")
    assert (await requiring(profile="rfc9068").verify(token)).principal.user == "ada"


@pytest.mark.parametrize(
    ("header", "claims", "expected"),
    [
        ({}, {}, "header-typ"),
        ({"typ": "JWT"}, {}, "header-typ"),
        (AT_JWT, {"sub": ...}, "claim-sub"),
        (AT_JWT, {"sub": ""}, "claim-sub"),
        (AT_JWT, {"jti": ...}, "claim-jti"),
        (AT_JWT, {"iat": ...}, "claim-iat"),
        (AT_JWT, {"client_id": ...}, "claim-client_id"),
    ],
    ids=str,
)
async def test_profile_rfc9068_rejects_a_token_that_lacks_something(
    requiring: MakeVerifier,
    signer: Signer,
    header: dict[str, str],
    claims: dict[str, Any],
    expected: str,
) -> None:
    token = signer.token(header, **({"client_id": "web"} | claims))
    assert await reason(requiring(profile="rfc9068"), token) == expected


async def test_token_older_than_the_maximum_age_has_expired(
    requiring: MakeVerifier, signer: Signer, wall_clock: Any
) -> None:
    verifier = requiring(max_age_seconds=60)
    token = signer.token(iat=NOW - 60, exp=NOW + 3600)
    assert (await verifier.verify(token)).valid_until == NOW + 5
    wall_clock.now = NOW + 5
    assert await reason(verifier, token) == "token-expired"
    assert await reason(verifier, signer.token(iat=...)) == "claim-iat"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
async def test_timestamp_in_milliseconds_is_rejected(
    requiring: MakeVerifier, signer: Signer, name: str
) -> None:
    milliseconds: dict[str, Any] = {name: (NOW + 60) * 1000}
    assert await reason(requiring(), signer.token(**milliseconds)) == f"claim-{name}"


async def test_each_of_several_audiences_is_accepted(
    requiring: MakeVerifier, signer: Signer
) -> None:
    verifier = requiring(audience=("api://a", "api://b"))
    for audience in ("api://a", ["x", "api://b"]):
        await verifier.verify(signer.token(aud=audience))
    assert await reason(verifier, signer.token(aud=AUDIENCE)) == "claim-aud"


async def test_client_ids_replace_the_audience(requiring: MakeVerifier, signer: Signer) -> None:
    verifier = requiring(audience=(), client_ids=("web",), required_claims={"token_use": "access"})
    assert (await verifier.verify(signer.token(**COGNITO))).principal.user == "ada"
    changes: list[tuple[dict[str, Any], str]] = [
        ({"client_id": "another"}, "claim-client"),
        ({"client_id": ...}, "claim-client"),
        ({"token_use": "id"}, "claim-required"),
        ({"token_use": ...}, "claim-required"),
        ({"aud": "web"}, "claim-aud"),
    ]
    for change, expected in changes:
        assert await reason(verifier, signer.token(**(COGNITO | change))) == expected


async def test_required_claim_may_be_true_or_false(requiring: MakeVerifier, signer: Signer) -> None:
    verifier = requiring(required_claims={"mfa": "true", "guest": "false"})
    await verifier.verify(signer.token(mfa=True, guest="false"))
    for change in ({"mfa": 1}, {"mfa": False}, {"guest": None}, {"guest": ...}, {"mfa": ["true"]}):
        claims = {"mfa": True, "guest": False} | change
        assert await reason(verifier, signer.token(**claims)) == "claim-required"


@pytest.mark.parametrize(
    ("claims", "name", "granted"),
    [
        ({"realm_access": {"roles": ["a", "b"]}}, "realm_access.roles", ["a", "b"]),
        ({"realm_access": {}}, "realm_access.roles", []),
        ({}, "realm_access.roles", []),
        ({"realm_access": ["a"]}, "realm_access.roles", None),
        ({"realm_access": {"roles": {"a": 1}}}, "realm_access.roles", None),
        (
            {"resource_access": {"x": {"roles": ["a"]}, "y": {"roles": ["b"]}}},
            "resource_access.*.roles",
            ["a", "b"],
        ),
        (
            {"resource_access": {"x": {"roles": ["a"]}, "y": {"roles": ["b"]}}},
            "resource_access.x.roles",
            ["a"],
        ),
        ({"https://api.example/roles": ["a"]}, "https://api.example/roles", ["a"]),
        (
            {"realm_access.roles": ["c"], "realm_access": {"roles": ["a"]}},
            "realm_access.roles",
            {"c"},
        ),
    ],
    ids=str,
)
async def test_scope_claim_may_be_a_path(
    requiring: MakeVerifier,
    signer: Signer,
    claims: dict[str, Any],
    name: str,
    granted: list[str] | None,
) -> None:
    token = await requiring(scope_claims=(name,)).verify(signer.token(**claims))
    assert token.scopes == (None if granted is None else frozenset(granted))


async def test_granted_scopes_are_those_of_the_principal_only(
    requiring: MakeVerifier, signer: Signer
) -> None:
    verifier = requiring(
        user_grants={"ada": frozenset({"read"}), "client-1": frozenset({"no"})},
        client_grants={"client-1": frozenset({"upload"}), "ada": frozenset({"no"})},
    )
    user = await verifier.verify(signer.token(sub="ada", scp=...))
    client = await verifier.verify(signer.token(scp=["items"]))
    assert user.scopes == frozenset({"read"})
    assert client.scopes == frozenset({"upload", "items"})


def test_issuer_without_audience_and_clients_is_rejected() -> None:
    with pytest.raises(ValueError, match="audience must not be empty"):
        TrustedIssuer(ISSUER, ())
