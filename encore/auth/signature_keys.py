"""Keys that verify the signatures of one JWS algorithm, built from public keys of cryptography.

python-jose has RS256 to RS512 (RFC 7518 section 3.3) and ES256 to ES512 (3.4: the raw r and s, of
exactly the curve's length). PS256 to PS512 (3.5) and EdDSA (RFC 8037 section 3.1, RFC 9864 section
2.2), which it lacks, are here with the same interface: ``verify`` and ``to_pem``.
"""

from typing import Any, Final, TypeAlias, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jwk
from jose.backends.base import Key

EdwardsPublicKey: TypeAlias = Ed25519PublicKey | Ed448PublicKey
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | EdwardsPublicKey

_PSS_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "PS256": hashes.SHA256,
    "PS384": hashes.SHA384,
    "PS512": hashes.SHA512,
}
_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_RSA: Final = frozenset({"RS256", "RS384", "RS512", *_PSS_HASHES})


class PSSKey(Key):
    """A key for RSASSA-PSS with MGF1 over the same hash and a salt of the hash's length.

    Args:
        key: The public key.
        algorithm: PS256, PS384 or PS512.
    """

    def __init__(self, key: RSAPublicKey, algorithm: str) -> None:
        self._key = key
        self._hash = _PSS_HASHES[algorithm]()
        self._padding = padding.PSS(padding.MGF1(self._hash), self._hash.digest_size)

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Return whether this is the key's signature of a message."""
        try:
            self._key.verify(sig, msg, self._padding, self._hash)
        except InvalidSignature:
            return False
        return True

    def to_pem(self) -> bytes:
        """Return the public key in PEM."""
        return _to_pem(self._key)


class EdDSAKey(Key):
    """A key for EdDSA; its curve decides whether signatures are of Ed25519 or of Ed448.

    Args:
        key: The public key.
    """

    def __init__(self, key: EdwardsPublicKey) -> None:
        self._key = key

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Return whether this is the key's signature of a message."""
        try:
            self._key.verify(sig, msg)
        except InvalidSignature:
            return False
        return True

    def to_pem(self) -> bytes:
        """Return the public key in PEM."""
        return _to_pem(self._key)


def supports(key: PublicKey, algorithm: str) -> bool:
    """Return whether a key has the type and the curve of an algorithm."""
    if isinstance(key, RSAPublicKey):
        return algorithm in _RSA
    if isinstance(key, EllipticCurvePublicKey):
        return _CURVES.get(algorithm) == key.curve.name
    return algorithm in {"EdDSA", "Ed25519" if isinstance(key, Ed25519PublicKey) else "Ed448"}


def build_signature_key(key: PublicKey, algorithm: str) -> Key:
    """Return the prebuilt key for an algorithm that the public key supports."""
    if isinstance(key, EdwardsPublicKey):
        return EdDSAKey(key)
    if isinstance(key, RSAPublicKey) and algorithm in _PSS_HASHES:
        return PSSKey(key, algorithm)
    # python-jose takes public keys of cryptography, which its stubs do not say.
    return jwk.construct(cast("Any", key), algorithm)


def _to_pem(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
