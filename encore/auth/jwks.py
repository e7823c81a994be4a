"""Parsing of a JWK set into the usable keys, each prebuilt for one algorithm.

Owns the requirements on keys (RFC 7517 section 4, RFC 7518 sections 3.3, 3.4 and 6, RFC 8725 3.1
and 3.5): kty, use, key_ops, alg, kid, the size of RSA keys, the curve of an algorithm. Unusable
keys are skipped. ``jwks_cache`` fetches the set.

python-jose validates none of this, applies a key's own hash whatever the token says, and fails on a
set with one unexpected key: hence one ``Key`` per kid and algorithm, built separately.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jose import jwk
from jose.backends.base import Key
from jose.utils import base64_to_long

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""A larger modulus would make each verification slow."""

MAX_KEYS: Final = 100
MAX_KEYS_PER_KID: Final = 4

_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_MAX_MEMBER_LENGTH: Final = 2 * MAX_RSA_BITS // 6
"""Twice the base64url length of the largest modulus."""
_EXPONENTS: Final = range(3, 2**32)


class UnusableKey(ValueError):
    """A key does not meet the requirements and is skipped; the message is a code for the log."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by kid and algorithm.

    Attributes:
        keys: Usually one key for each (kid, alg). If an issuer publishes several with one kid,
            each is tried.
        kids: The kids of the usable keys.
        skipped: (kid or "", code) of each skipped key.
        published: The number of keys in the document; those after ``MAX_KEYS`` are not read.
        fingerprints: The public keys, to compare two sets.
    """

    keys: Mapping[tuple[str, str], tuple[Key, ...]] = field(default_factory=dict)
    kids: frozenset[str] = frozenset()
    skipped: tuple[tuple[str, str], ...] = ()
    published: int = 0
    fingerprints: frozenset[tuple[str, str, bytes]] = frozenset()

    def __bool__(self) -> bool:
        """Return whether there is a usable key."""
        return bool(self.keys)

    def select(self, kid: str, algorithm: str) -> tuple[Key, ...]:
        """Return the keys that may have signed a token with this header; often none."""
        return self.keys.get((kid, algorithm), ())


def parse_key_set(document: Any, algorithms: Iterable[str]) -> KeySet:
    """Parse a JWK set (RFC 7517 section 5).

    Args:
        document: The decoded JSON.
        algorithms: ``alg`` values that are accepted of the issuer.

    Raises:
        ValueError: It is not a JWK set.
    """
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise ValueError("not a JWK set")  # noqa: TRY004 - an error of the document
    allowed = tuple(algorithms)
    keys: dict[tuple[str, str], tuple[Key, ...]] = {}
    skipped: list[tuple[str, str]] = []
    fingerprints: set[tuple[str, str, bytes]] = set()
    for member in members[:MAX_KEYS]:
        try:
            kid, built = _build(member, allowed)
        # python-jose and cryptography raise JWKError, KeyError, TypeError, ValueError and more.
        except Exception as error:  # noqa: BLE001 - an invalid key must not affect the others
            skipped.append((_kid_of(member), _code_of(error)))
            continue
        for algorithm, key in built.items():
            fingerprint = (kid, algorithm, key.to_pem())
            same_kid = keys.get((kid, algorithm), ())
            if fingerprint not in fingerprints and len(same_kid) < MAX_KEYS_PER_KID:
                fingerprints.add(fingerprint)
                keys[kid, algorithm] = (*same_kid, key)
    kids = frozenset(kid for kid, _ in keys)
    return KeySet(keys, kids, tuple(skipped), len(members), frozenset(fingerprints))


def _build(member: Any, allowed: tuple[str, ...]) -> tuple[str, dict[str, Key]]:
    """Return the kid of a key, and one prebuilt ``Key`` for each algorithm that it supports."""
    if not isinstance(member, dict):
        raise UnusableKey("not-an-object")
    kid = member.get("kid")
    if not isinstance(kid, str) or not kid:
        raise UnusableKey("no-kid")
    if "use" in member and member["use"] != "sig":
        raise UnusableKey("use")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("key-ops")
    if "d" in member:
        # A published private key is known to everyone.
        raise UnusableKey("private-key")
    type_ = member.get("kty")
    if not isinstance(type_, str) or type_ not in _MEMBERS:
        raise UnusableKey("kty")
    # Only the numbers are passed to python-jose.
    public = {"kty": type_} | {name: _get_string(member, name) for name in _MEMBERS[type_]}
    if type_ == "RSA":
        _validate_rsa(public)
    supported = [
        algorithm
        for algorithm in allowed
        if member.get("alg", algorithm) == algorithm and _supports(public, algorithm)
    ]
    if not supported:
        raise UnusableKey("alg")
    return kid, {algorithm: jwk.construct(public, algorithm) for algorithm in supported}


def _validate_rsa(public: dict[str, str]) -> None:
    if not MIN_RSA_BITS <= base64_to_long(public["n"]).bit_length() <= MAX_RSA_BITS:
        raise UnusableKey("rsa-size")
    exponent = base64_to_long(public["e"])
    if exponent not in _EXPONENTS or exponent % 2 == 0:
        raise UnusableKey("rsa-exponent")


def _supports(public: dict[str, str], algorithm: str) -> bool:
    """Return whether a key has the type and the curve of an algorithm."""
    if public["kty"] == "RSA":
        return algorithm.startswith("RS")
    return _CURVES.get(algorithm) == public["crv"]


def _get_string(member: dict[str, Any], name: str) -> str:
    value = member.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_MEMBER_LENGTH:
        raise UnusableKey(f"member-{name}")
    return value


def _kid_of(member: Any) -> str:
    kid = member.get("kid") if isinstance(member, dict) else None
    return kid if isinstance(kid, str) else ""


def _code_of(error: Exception) -> str:
    return str(error) if isinstance(error, UnusableKey) else type(error).__name__
