"""The usable keys of one JWK set, each prebuilt for the one algorithm it may verify.

Owns the policy on keys (RFC 7517 section 4, RFC 7518 sections 3.3, 3.4 and 6, RFC 8725 3.1 and
3.5): kty, use, key_ops, alg, kid, the size of RSA keys, the curve of an algorithm. A key that
breaks it is passed over and the others stand. Where the set comes from is left to ``jwks_cache``.

python-jose looks at none of this, applies a key's own hash whatever the token says, and fails as a
whole on a set with one odd key: hence one ``Key`` per kid and algorithm, built singly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jose import jwk
from jose.backends.base import Key
from jose.utils import base64_to_long

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""A larger modulus would make each verification slow at the issuer's whim."""

MAX_KEYS = 100
MAX_KEYS_OF_ONE_NAME = 4

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
# Twice the base64url length of the largest modulus.
_MAX_MEMBER_LENGTH = 2 * MAX_RSA_BITS // 6
_EXPONENT = range(3, 2**32)


class UnusableKey(ValueError):
    """This key is passed over; the text is a code for the log."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by kid and algorithm.

    Attributes:
        keys: Usually one key for each (kid, alg). An issuer that publishes two under one name
            vouches for both, so both are tried.
        kids: The names of the usable keys.
        passed_over: (kid or "", code) of each key that was not used.
        prints: The public keys themselves, to tell whether two sets are the same.
    """

    keys: Mapping[tuple[str, str], tuple[Key, ...]] = field(default_factory=dict)
    kids: frozenset[str] = frozenset()
    passed_over: tuple[tuple[str, str], ...] = ()
    prints: frozenset[tuple[str, str, bytes]] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether there is a usable key."""
        return bool(self.keys)

    def select(self, kid: str, algorithm: str) -> tuple[Key, ...]:
        """Give the keys that may have signed a token with this header; often none."""
        return self.keys.get((kid, algorithm), ())


def parse_key_set(document: Any, algorithms: Iterable[str]) -> KeySet:
    """Read a JWK set (RFC 7517 section 5).

    Args:
        document: The decoded JSON.
        algorithms: ``alg`` values that the issuer is trusted with.

    Raises:
        ValueError: It is no JWK set at all.
    """
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise ValueError("not a JWK set")  # noqa: TRY004  a fault of the document, not of the caller
    allowed = tuple(algorithms)
    keys: dict[tuple[str, str], tuple[Key, ...]] = {}
    passed_over: list[tuple[str, str]] = []
    prints: set[tuple[str, str, bytes]] = set()
    for member in members[:MAX_KEYS]:
        try:
            kid, built = _build(member, allowed)
        # python-jose and cryptography raise JWKError, KeyError, TypeError, ValueError and more.
        except Exception as error:  # noqa: BLE001  whatever is wrong with one key, the others stand
            passed_over.append((_name(member), _code(error)))
            continue
        for algorithm, key in built.items():
            mark = (kid, algorithm, key.to_pem())
            same = keys.get((kid, algorithm), ())
            if mark not in prints and len(same) < MAX_KEYS_OF_ONE_NAME:
                prints.add(mark)
                keys[kid, algorithm] = (*same, key)
    kids = frozenset(kid for kid, _ in keys)
    return KeySet(keys, kids, tuple(passed_over), frozenset(prints))


def _build(member: Any, allowed: tuple[str, ...]) -> tuple[str, dict[str, Key]]:
    """Give the name of a key and one prebuilt Key for each algorithm that it may be used with."""
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
        # Published private keys are anybody's.
        raise UnusableKey("private-key")
    kind = member.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise UnusableKey("kty")
    # Nothing but the numbers goes on to python-jose.
    public = {"kty": kind} | {name: _text(member, name) for name in _MEMBERS[kind]}
    if kind == "RSA":
        _judge_rsa(public)
    fitting = [
        algorithm
        for algorithm in allowed
        if member.get("alg", algorithm) == algorithm and _fits(public, algorithm)
    ]
    if not fitting:
        raise UnusableKey("alg")
    return kid, {algorithm: jwk.construct(public, algorithm) for algorithm in fitting}


def _judge_rsa(public: dict[str, str]) -> None:
    if not MIN_RSA_BITS <= base64_to_long(public["n"]).bit_length() <= MAX_RSA_BITS:
        raise UnusableKey("rsa-size")
    exponent = base64_to_long(public["e"])
    if exponent not in _EXPONENT or exponent % 2 == 0:
        raise UnusableKey("rsa-exponent")


def _fits(public: dict[str, str], algorithm: str) -> bool:
    """Tell whether a key is of the kind, and on the curve, that the algorithm prescribes."""
    if public["kty"] == "RSA":
        return algorithm.startswith("RS")
    return _CURVES.get(algorithm) == public["crv"]


def _text(member: dict[str, Any], name: str) -> str:
    value = member.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_MEMBER_LENGTH:
        raise UnusableKey(f"member-{name}")
    return value


def _name(member: Any) -> str:
    kid = member.get("kid") if isinstance(member, dict) else None
    return kid if isinstance(kid, str) else ""


def _code(error: Exception) -> str:
    return str(error) if isinstance(error, UnusableKey) else type(error).__name__
