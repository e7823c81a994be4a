"""Keys of a set that are in a certificate (``x5c``), alone or beside their numbers."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from encore.auth.jwks import KeySet, parse_key_set

ALGORITHMS = ("RS256", "ES256", "ES384", "EdDSA")
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def _certificate(public_key: Any) -> str:
    """Return a certificate that expired long ago, of another key's signature."""
    certificate = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(public_key)
        .serial_number(1)
        .not_valid_before(LONG_AGO)
        .not_valid_after(LONG_AGO)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _parse(*jwks: Any) -> KeySet:
    return parse_key_set({"keys": list(jwks)}, ALGORITHMS)


def _code(jwk: dict[str, Any]) -> str:
    ((_, code),) = _parse(jwk).skipped
    return code


def _public_key(signer: Any) -> Any:
    return signer.key.prepared_key.public_key()


def _only_certificate(signer: Any) -> dict[str, Any]:
    jwk = {name: value for name, value in signer.jwk.items() if name not in set("nexy")}
    return {**jwk, "x5c": [_certificate(_public_key(signer)), "the next one of the chain"]}


def test_rsa_key_in_a_certificate_only_verifies(signer: Any) -> None:
    (key,) = _parse(_only_certificate(signer)).select("key-1", "RS256")
    assert key.verify(b"message", signer.key.sign(b"message"))


def test_ec_key_in_a_certificate_only_verifies(ec_signer: Any) -> None:
    jwk = _only_certificate(ec_signer)
    for changed in (jwk, {name: value for name, value in jwk.items() if name != "crv"}):
        (key,) = _parse(changed).select("key-ec", "ES256")
        assert key.verify(b"message", ec_signer.key.sign(b"message"))


def test_ed25519_key_in_a_certificate_only_is_used() -> None:
    certificate = _certificate(ed25519.Ed25519PrivateKey.generate().public_key())
    jwk = {"kid": "key-1", "kty": "OKP", "crv": "Ed25519", "x5c": [certificate]}
    assert _parse(jwk).select("key-1", "EdDSA")
    assert _code(jwk | {"crv": "Ed448"}) == "x5c-mismatch"


def test_certificate_beside_the_same_numbers_is_used(signer: Any, ec_signer: Any) -> None:
    for each in (signer, ec_signer):
        assert _parse(each.jwk | {"x5c": [_certificate(_public_key(each))]}).usable == 1


def test_certificate_of_another_key_is_skipped(
    signer: Any, next_signer: Any, ec_signer: Any
) -> None:
    for other in (next_signer, ec_signer):
        jwk = signer.jwk | {"x5c": [_certificate(_public_key(other))]}
        assert _code(jwk) == "x5c-mismatch"
    wrong_type = _only_certificate(ec_signer) | {"kty": "RSA"}
    wrong_curve = _only_certificate(ec_signer) | {"crv": "P-384"}
    assert _code(wrong_type) == _code(wrong_curve) == "x5c-mismatch"


@pytest.mark.parametrize("name", ["n", "e"])
def test_part_of_the_numbers_beside_a_certificate_is_skipped(signer: Any, name: str) -> None:
    jwk = _only_certificate(signer) | {name: signer.jwk[name]}
    assert _code(jwk) == f"member-{'e' if name == 'n' else 'n'}"


@pytest.mark.parametrize(
    "chain",
    [None, {}, "x", [], [1], [""], ["AAAA"], ["not base64!"], ["A" * 20_000]],
    ids=str,
)
def test_invalid_certificate_is_skipped(signer: Any, chain: Any) -> None:
    assert _code(_only_certificate(signer) | {"x5c": chain}) == "x5c"
    assert _code(signer.jwk | {"x5c": chain}) == "x5c"


def test_certificate_in_base64url_or_with_line_breaks_is_skipped(signer: Any) -> None:
    certificate = _certificate(_public_key(signer))
    for text in (certificate[:64] + "\n" + certificate[64:], certificate + "="):
        assert _code(_only_certificate(signer) | {"x5c": [text]}) == "x5c"


@pytest.mark.parametrize(
    ("generate", "code"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "rsa-size"),
        (lambda: rsa.generate_private_key(3, 2048), "rsa-small-exponent"),
        (lambda: dsa.generate_private_key(1024), "x5c"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "x5c-mismatch"),
        (ed448.Ed448PrivateKey.generate, "x5c-mismatch"),
    ],
    ids=["rsa-1024", "rsa-3", "dsa", "secp256k1", "ed448"],
)
def test_certificate_of_an_unusable_key_is_skipped(generate: Callable[[], Any], code: str) -> None:
    chain = [_certificate(generate().public_key())]
    assert _code({"kid": "key-1", "kty": "RSA", "x5c": chain}) == code
