"""Parsing of a JWK set into the usable keys, each prebuilt for one algorithm.

Owns the requirements on members of a set (RFC 7517 section 4, RFC 8725 3.1 and 3.5): use, key_ops,
alg, kid, and the selection of the key for a token. Unusable keys are skipped. ``public_keys`` reads
one key, ``signature_keys`` builds it for an algorithm, ``jwks_cache`` fetches the set.

python-jose validates none of this, applies a key's own hash whatever the token says, and fails on a
set with one unexpected key: hence one ``Key`` per kid and algorithm, built separately.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from jose.backends.base import Key

from encore.auth.public_keys import UnusableKey, load_public_key
from encore.auth.signature_keys import build_signature_key, supports
from encore.auth.weak_keys import MIN_RSA_EXPONENT

MAX_KEYS: Final = 100
MAX_KEYS_PER_KID: Final = 4

Kid: TypeAlias = str | None
"""``kid`` of a key or of a token; None if it has none."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by kid and algorithm.

    Attributes:
        keys: Usually one key for each (kid, alg). If an issuer publishes several with one kid, or
            without a kid, all are here.
        kids: The kids of the usable keys that have one.
        skipped: (kid or "", code) of each skipped key.
        published: The number of keys in the document; those after ``MAX_KEYS`` are not read.
        fingerprints: The public keys, to compare two sets.
    """

    keys: Mapping[tuple[Kid, str], tuple[Key, ...]] = field(default_factory=dict)
    kids: frozenset[str] = frozenset()
    skipped: tuple[tuple[str, str], ...] = ()
    published: int = 0
    fingerprints: frozenset[tuple[Kid, str, bytes]] = frozenset()

    def __bool__(self) -> bool:
        """Return whether there is a usable key."""
        return bool(self.keys)

    @property
    def usable(self) -> int:
        """The number of different usable public keys."""
        return len({pem for _, _, pem in self.fingerprints})

    def select(self, kid: Kid, algorithm: str) -> tuple[Key, ...]:
        """Return the keys that may have signed a token with this header; often none.

        ``kid`` is optional on both sides (RFC 7517 4.5, RFC 7515 4.1.4). A token that names a key
        of the set is verified by that key only. Another one is verified by the only key of the set
        that fits its algorithm, if there is just one: any, for a token without kid; one without
        kid, for a token that names a key.
        """
        if kid in self.kids:
            return self.keys.get((kid, algorithm), ())
        fitting = [(k, keys) for (k, alg), keys in self.keys.items() if alg == algorithm]
        if len(fitting) != 1:
            return ()
        own_kid, keys = fitting[0]
        return keys if len(keys) == 1 and (kid is None or own_kid is None) else ()


def parse_key_set(
    document: Any, algorithms: Iterable[str], *, min_rsa_exponent: int = MIN_RSA_EXPONENT
) -> KeySet:
    """Parse a JWK set (RFC 7517 section 5).

    Args:
        document: The decoded JSON.
        algorithms: ``alg`` values that are accepted of the issuer.
        min_rsa_exponent: RSA keys with a smaller public exponent are skipped.

    Raises:
        ValueError: It is not a JWK set.
    """
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise ValueError("not a JWK set")  # noqa: TRY004 - an error of the document
    allowed = tuple(algorithms)
    keys: dict[tuple[Kid, str], tuple[Key, ...]] = {}
    skipped: list[tuple[str, str]] = []
    fingerprints: set[tuple[Kid, str, bytes]] = set()
    for member in members[:MAX_KEYS]:
        try:
            kid, built = _build(member, allowed, min_rsa_exponent)
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
    kids = frozenset(kid for kid, _ in keys if kid is not None)
    return KeySet(keys, kids, tuple(skipped), len(members), frozenset(fingerprints))


def _build(
    member: Any, allowed: tuple[str, ...], min_rsa_exponent: int
) -> tuple[Kid, dict[str, Key]]:
    """Return the kid of a key, and one prebuilt ``Key`` for each algorithm that it supports."""
    if not isinstance(member, dict):
        raise UnusableKey("not-an-object")
    kid = member.get("kid")
    if "kid" in member and not (isinstance(kid, str) and kid):
        raise UnusableKey("kid")
    if "use" in member and member["use"] != "sig":
        raise UnusableKey("use")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("key-ops")
    if "d" in member:
        # A published private key is known to everyone.
        raise UnusableKey("private-key")
    key = load_public_key(member, min_rsa_exponent=min_rsa_exponent)
    supported = [
        algorithm
        for algorithm in allowed
        if member.get("alg", algorithm) == algorithm and supports(key, algorithm)
    ]
    if not supported:
        raise UnusableKey("alg")
    return kid, {algorithm: build_signature_key(key, algorithm) for algorithm in supported}


def _kid_of(member: Any) -> str:
    kid = member.get("kid") if isinstance(member, dict) else None
    return kid if isinstance(kid, str) else ""


def _code_of(error: Exception) -> str:
    return str(error) if isinstance(error, UnusableKey) else type(error).__name__
