"""Tokens at a running service whose issuers publish unusual key sets."""

import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.tokens import LocalIssuer, Signer

SIGNERS = {algorithm: Signer("key-1", algorithm) for algorithm in ("RS256", "PS256", "EdDSA")}
OTHER = Signer("key-2")
RS, PS, ED = SIGNERS["RS256"], SIGNERS["PS256"], SIGNERS["EdDSA"]


def _without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


def _certificate(signer: Signer) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now, key = datetime.now(UTC), signer.key.prepared_key
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    return b64encode(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).decode()


X5C: dict[str, Any] = {"x5c": [_certificate(RS)]}


def _token(signer: Signer, header: dict[str, Any] | None = None) -> Callable[[str], bytes]:
    """Return a function that makes a token of an issuer."""
    now = int(time.time())
    return lambda issuer: signer.token(header, iss=issuer, iat=now - 10, exp=now + 3600)


# Published keys, the token by its issuer, and whether it is accepted.
CASES: dict[str, tuple[list[dict[str, Any]], Callable[[str], bytes], bool]] = {
    "ps256": ([PS.jwk], _token(PS), True),
    "eddsa": ([ED.jwk], _token(ED), True),
    "token-without-kid": ([RS.jwk, ED.jwk], _token(RS, {"kid": ...}), True),
    "key-without-kid": ([_without(RS.jwk, "kid")], _token(RS), True),
    "two-keys": ([RS.jwk, OTHER.jwk], _token(RS, {"kid": ...}), False),
    "two-keys-without-kid": (
        [_without(RS.jwk, "kid"), _without(OTHER.jwk, "kid")],
        _token(RS),
        False,
    ),
    "certificate-only": (
        [_without(RS.jwk, "n", "e") | X5C],
        _token(RS),
        True,
    ),
    "certificate-of-another-key": (
        [OTHER.jwk | X5C, ED.jwk],
        _token(OTHER),
        False,
    ),
    "certificate-in-the-token": ([RS.jwk], _token(RS, X5C), False),
    "key-in-the-token": ([RS.jwk], _token(RS, {"jwk": RS.jwk}), False),
}


@pytest.fixture(scope="module")
def gate(
    start_gate: StartGate, module_issuer: LocalIssuer, tmp_path_factory: pytest.TempPathFactory
) -> RunningGate:
    """Return a service that trusts an issuer for each case."""
    tables = []
    for name, (keys, _, _) in CASES.items():
        module_issuer.json(f"/{name}/keys", {"keys": keys})
        tables.append(
            f'[{name}]\nissuer = "{module_issuer.origin}/{name}"\naudience = "api://default"\n'
            f'jwks_uri = "{module_issuer.origin}/{name}/keys"\nuser_prefix = "{name}:"\n'
            'algorithms = ["RS256", "PS256", "EdDSA"]\n'
        )
    path = tmp_path_factory.mktemp("issuers") / "issuers.toml"
    path.write_text("\n".join(tables))
    return start_gate(TRUSTED_ISSUERS_FILE=str(path))


@pytest.mark.parametrize("name", CASES)
def test_token_is_accepted_where_its_key_is_known(gate: RunningGate, name: str) -> None:
    _, make, accepted = CASES[name]
    token = make(f"{gate.issuer.origin}/{name}")
    response = httpx.get(f"{gate.url}/items", headers={"Authorization": f"Bearer {token.decode()}"})
    assert response.status_code == (200 if accepted else 401)
