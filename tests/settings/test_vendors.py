"""The guides for vendors: their sample tokens, verified with the settings that they show."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from dotenv import dotenv_values

from encore.auth import JWTVerifier
from encore.auth.access_token import AccessToken
from encore.errors import ApiError, Forbidden, Unauthorized
from encore.settings import Settings, trusted_issuers
from tests.fixtures.pages import DOCS, code_blocks
from tests.fixtures.tokens import NOW, FakeIssuer, ManualClock, Signer

pytestmark = pytest.mark.anyio

TIMESHEETS: Final = frozenset({"create:timesheets", "read:timesheets"})
MACHINE: Final = frozenset({"parts_manager", "batch:upload"})
EXPECTED: Final[dict[str, tuple[tuple[str, frozenset[str]], tuple[str, frozenset[str]]]]] = {
    "okta": (
        ("ada@example.com", TIMESHEETS | {"openid", "profile"}),
        ("0oa1example", MACHINE),
    ),
    "auth0": (
        ("auth0|5f7c8ec7c33c6c004bbafe82", TIMESHEETS | {"openid", "profile"}),
        ("awZfdIir8YFdGZWkvCejDoUb7SjTDicx", MACHINE),
    ),
    "entra-id": (
        ("aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb", TIMESHEETS | {"approve:timesheets"}),
        ("22223333-cccc-4444-dddd-5555eeee6666", MACHINE),
    ),
    "cognito": (
        ("ada", TIMESHEETS | {"openid", "profile", "email"}),
        ("1example23456789", TIMESHEETS | {"parts/parts_manager", "batch:upload"}),
    ),
    "keycloak": (("ada", TIMESHEETS), ("parts-import", MACHINE)),
}
"""Name and scopes of each page's user and of its client."""

KEYS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "okta": ("/v1/keys", {"alg": "RS256", "status": "ACTIVE"}),
    "auth0": (".well-known/jwks.json", {"alg": "RS256", "x5t": "NjVB", "x5c": ...}),
    "entra-id": ("/discovery/v2.0/keys", {"x5t": "i6lG", "x5c": ..., "issuer": "https://x"}),
    "cognito": ("/.well-known/jwks.json", {"alg": "RS256"}),
    "keycloak": ("/protocol/openid-connect/certs", {"alg": "RS256", "x5c": ...}),
}
"""Where each vendor has its keys, below the issuer, and their members; ``x5c`` is filled in."""


def certificate(signer: Signer) -> str:
    """Return a certificate of the signer's key, as an item of ``x5c`` (RFC 7517 section 4.7)."""
    name, key = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]), signer.key.prepared_key
    begin = datetime.fromtimestamp(NOW, UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=1))
    return b64encode(builder.sign(key, SHA256()).public_bytes(Encoding.DER)).decode()


class Vendor:
    """A page's settings and tokens, and the vendor's issuer in memory."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        page = DOCS / "how-to" / f"{name}.md"
        self.settings = self._read_settings(page, directory)
        header, *payloads = (json.loads(text) for _, text in code_blocks(page, "json"))
        self.header, (self.user, self.client) = header, payloads
        self.signer = Signer(header["kid"])
        issuer = self.settings["ISSUER"]
        path, members = KEYS[name]
        if "x5c" in members:
            members = {**members, "x5c": [certificate(self.signer)]}
        uri = issuer + path
        fetch = FakeIssuer()
        base = issuer.rstrip("/")
        fetch.documents = {
            f"{base}/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": uri},
            uri: {"keys": [{**self.signer.jwk, **members}]},
        }
        self._fetch = fetch

    async def verify(
        self,
        payload: Mapping[str, Any],
        header: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> AccessToken:
        """Verify a token with this payload, with changes of settings."""
        issuers = trusted_issuers(Settings.parse(self.settings | settings))
        verifier = JWTVerifier(issuers, fetch=self._fetch, wall_clock=ManualClock(NOW + 10))
        return await verifier.verify(self.signer.sign({**self.header, **(header or {})}, payload))

    @staticmethod
    def _read_settings(page: Path, directory: Path) -> dict[str, str]:
        """Return the settings of the page's first block with an issuer, and write its file."""
        text = next(text for _, text in code_blocks(page, "sh") if text.startswith("ISSUER="))
        settings = {k: v or "" for k, v in dotenv_values(stream=StringIO(text)).items()}
        for _, grants in code_blocks(page, "toml"):
            path = directory / "grants.toml"
            path.write_text(grants, encoding="utf-8")
            settings["SCOPE_GRANTS_FILE"] = str(path)
        return settings


@pytest.fixture
def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> Vendor:
    return Vendor(request.param, tmp_path)


def only(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vendor", names, indirect=True)


@only(*EXPECTED)
async def test_sample_tokens_are_a_users_and_a_clients(vendor: Vendor) -> None:
    (user, user_scopes), (client, client_scopes) = EXPECTED[vendor.name]
    token = await vendor.verify(vendor.user)
    assert (token.principal.user, token.scopes) == (user, user_scopes)
    token = await vendor.verify(vendor.client)
    assert (token.principal.user, token.principal.name) == (None, client)
    assert token.scopes == client_scopes
    assert set(vendor.settings["SCOPE"].split()) <= client_scopes


@only(*EXPECTED)
async def test_tokens_for_others_are_rejected(vendor: Vendor) -> None:
    for payload in (vendor.user, vendor.client):
        changed: list[dict[str, Any]] = [
            {"aud": "another"},
            {"iss": "https://another.example/"},
            {"exp": NOW - 60},
        ]
        for changes in changed:
            with pytest.raises(Unauthorized):
                await vendor.verify(payload | changes)


@only("okta", "auth0", "entra-id", "keycloak")
async def test_token_without_audience_is_rejected(vendor: Vendor) -> None:
    del vendor.client["aud"]
    with pytest.raises(Unauthorized):
        await vendor.verify(vendor.client)


@only(*EXPECTED)
async def test_clients_token_without_its_mark_is_a_users_or_nobodys(vendor: Vendor) -> None:
    marks = ("gty", "idtyp", "preferred_username")
    payload = {k: v for k, v in vendor.client.items() if k not in marks}
    token = await vendor.verify(payload | {"sub": "an id"})
    assert not token.principal.is_client
    with pytest.raises(Forbidden):
        await vendor.verify({k: v for k, v in payload.items() if k != "sub"})


@only("auth0")
async def test_auth0s_tokens_by_rfc_9068_are_accepted(vendor: Vendor) -> None:
    for payload in (vendor.user, vendor.client):
        with pytest.raises(ApiError):
            await vendor.verify(payload, TOKEN_PROFILE="rfc9068")
        payload["client_id"] = payload.pop("azp")
        payload.pop("gty", None)
        payload["jti"] = "73WakrfVbNJBaAmhQtEeDv"
        token = await vendor.verify(payload, {"typ": "at+jwt"}, TOKEN_PROFILE="rfc9068")
        assert token.principal.is_client == payload["sub"].endswith("@clients")


@only("entra-id")
async def test_entras_tokens_of_version_1_are_accepted(vendor: Vendor) -> None:
    issuer, uri = f"https://sts.windows.net/{vendor.user['tid']}/", "api://parts"
    payload = {**vendor.client, "iss": issuer, "aud": uri, "ver": "1.0"}
    payload["appid"] = payload.pop("azp")
    documents = vendor._fetch.documents
    (keys,) = (documents[url] for url in documents if url.endswith("/keys"))
    documents[f"{issuer}.well-known/openid-configuration"] = {
        "issuer": issuer,
        "jwks_uri": "https://login.microsoftonline.com/common/discovery/keys",
    }
    documents["https://login.microsoftonline.com/common/discovery/keys"] = keys
    token = await vendor.verify(payload, {"x5t": "i6lG"}, ISSUER=issuer, AUDIENCE=uri)
    assert (token.principal.is_client, token.principal.name) == (True, vendor.client["azp"])
    assert token.scopes == MACHINE


@only("entra-id")
async def test_second_audience_is_accepted(vendor: Vendor) -> None:
    payload = {**vendor.user, "aud": "api://parts"}
    token = await vendor.verify(payload, EXTRA_AUDIENCES="api://parts")
    assert token.principal.name == vendor.user["oid"]


@only("cognito")
async def test_cognitos_id_tokens_and_tokens_of_other_clients_are_rejected(vendor: Vendor) -> None:
    id_token = {**vendor.user, "token_use": "id", "aud": vendor.user["client_id"]}
    del id_token["client_id"]
    for payload in (
        id_token,
        {**vendor.user, "token_use": "id"},
        {**vendor.user, "client_id": "3example45678901"},
        {name: value for name, value in vendor.user.items() if name != "client_id"},
        {name: value for name, value in vendor.user.items() if name != "token_use"},
    ):
        with pytest.raises(Unauthorized):
            await vendor.verify(payload)


@only("keycloak")
async def test_keycloaks_roles_of_the_realm_and_of_all_clients_are_scopes(vendor: Vendor) -> None:
    token = await vendor.verify(vendor.user, SCOPE_CLAIMS="realm_access.roles")
    assert token.scopes == frozenset(vendor.user["realm_access"]["roles"])
    token = await vendor.verify(vendor.user, SCOPE_CLAIMS="resource_access.*.roles")
    assert token.scopes == TIMESHEETS | {"manage-account", "view-profile"}
    del vendor.user["resource_access"]
    assert (await vendor.verify(vendor.user)).scopes == frozenset()


@only("keycloak")
async def test_keycloaks_person_with_a_clients_name_is_a_person(vendor: Vendor) -> None:
    payload = {**vendor.user, "preferred_username": "service-account-parts-import"}
    assert not (await vendor.verify(payload)).principal.is_client
