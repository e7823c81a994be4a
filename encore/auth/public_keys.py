"""Reading the public key of a JWK, from its numbers or from its certificate.

Owns the encodings (RFC 7518 section 6: base64urlUInt without leading zeros, coordinates of the
curve's length; RFC 8037 section 2), certificates (RFC 7517 section 4.7) and the rejection of weak
keys (``weak_keys``). ``jwks`` decides which keys of a set are used, and for which algorithms.

A certificate is only a container of the key: like the numbers it is trusted because the issuer
publishes it. Its chain, names and dates mean nothing here.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509 import load_der_x509_certificate

from encore.auth.base64url import decode_base64url
from encore.auth.signature_keys import EdwardsPublicKey, PublicKey
from encore.auth.weak_keys import MAX_RSA_BITS, find_rsa_weakness, has_small_order

_MAX_MEMBER_LENGTH: Final = 2 * MAX_RSA_BITS // 6
"""Twice the base64url length of the largest modulus."""

_MAX_CERTIFICATE_LENGTH: Final = 16 * 1024
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_EDWARDS: Final[dict[str, tuple[int, Callable[[bytes], EdwardsPublicKey]]]] = {
    "Ed25519": (32, ed25519.Ed25519PublicKey.from_public_bytes),
    "Ed448": (57, ed448.Ed448PublicKey.from_public_bytes),
}


class UnusableKey(ValueError):
    """A key does not meet the requirements and is skipped; the message is a code for the log."""


def load_public_key(member: Mapping[str, Any], *, min_rsa_exponent: int) -> PublicKey:
    """Return the public key of a JWK.

    Args:
        member: The JWK.
        min_rsa_exponent: RSA keys with a smaller public exponent are rejected.

    Raises:
        UnusableKey: It has no valid key, a weak one, or two different ones.
        Exception: Any other type that cryptography raises for an invalid key.
    """
    type_ = member.get("kty")
    if not isinstance(type_, str) or type_ not in _READERS:
        raise UnusableKey("kty")
    numbers, read = _READERS[type_]
    certified = _read_certificate(member["x5c"]) if "x5c" in member else None
    if certified is None or any(name in member for name in numbers):
        key = read(member, min_rsa_exponent)
        if certified is not None and certified != key:
            raise UnusableKey("x5c-mismatch")
        return key
    _validate_certified(certified, type_, member, min_rsa_exponent)
    return certified


def _read_rsa(member: Mapping[str, Any], min_exponent: int) -> PublicKey:
    modulus = _read_integer(member, "n", "rsa-modulus-encoding")
    exponent = _read_integer(member, "e", "rsa-exponent-encoding")
    _reject_weak_rsa(modulus, exponent, min_exponent)
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _read_ec(member: Mapping[str, Any], _: int) -> PublicKey:
    curve = _CURVES.get(_get_string(member, "crv"))
    if curve is None:
        raise UnusableKey("crv")
    length = (curve.key_size + 7) // 8
    x, y = (_read_octets(member, name, "ec-coordinate") for name in ("x", "y"))
    if not len(x) == len(y) == length:
        raise UnusableKey("ec-coordinate")
    # Raises ValueError for a point that is not on the curve.
    point = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve)
    return point.public_key()


def _read_okp(member: Mapping[str, Any], _: int) -> PublicKey:
    curve = _get_string(member, "crv")
    if curve not in _EDWARDS:  # X25519 and X448 do not sign.
        raise UnusableKey("crv")
    length, load = _EDWARDS[curve]
    octets = _read_octets(member, "x", "okp-encoding")
    if len(octets) != length:
        raise UnusableKey("okp-encoding")
    if has_small_order(octets):
        raise UnusableKey("okp-small-order")
    return load(octets)


_READERS: Final[
    dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any], int], PublicKey]]]
] = {
    "RSA": (("n", "e"), _read_rsa),
    "EC": (("x", "y"), _read_ec),
    "OKP": (("x",), _read_okp),
}
"""By ``kty``: the members whose presence means that the key is not only in the certificate."""


def _read_certificate(chain: Any) -> PublicKey:
    """Return the public key of the first certificate, which is the key's own."""
    first = chain[0] if isinstance(chain, list) and chain else None
    if not isinstance(first, str) or len(first) > _MAX_CERTIFICATE_LENGTH:
        raise UnusableKey("x5c")
    try:
        der = b64decode(first, validate=True)
        key = load_der_x509_certificate(der).public_key()
    # cryptography raises ValueError, UnsupportedAlgorithm and more.
    except Exception as error:
        raise UnusableKey("x5c") from error
    if b64encode(der).decode() != first:  # b64decode accepts more padding than there should be.
        raise UnusableKey("x5c")
    if not isinstance(key, PublicKey):
        raise UnusableKey("x5c")
    return key


def _validate_certified(
    key: PublicKey, type_: str, member: Mapping[str, Any], min_exponent: int
) -> None:
    """Require of a certificate's key what numbers must meet, and agreement with its JWK."""
    if isinstance(key, rsa.RSAPublicKey):
        actual, curve = "RSA", None
        _reject_weak_rsa(*_numbers(key), min_exponent)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        actual = "EC"
        curve = next((n for n, c in _CURVES.items() if c.name == key.curve.name), None)
    else:
        actual = "OKP"
        curve = "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"
        if has_small_order(key.public_bytes_raw()):
            raise UnusableKey("okp-small-order")
    if actual != type_ or ("crv" in member and member["crv"] != curve):
        raise UnusableKey("x5c-mismatch")


def _numbers(key: rsa.RSAPublicKey) -> tuple[int, int]:
    numbers = key.public_numbers()
    return numbers.n, numbers.e


def _reject_weak_rsa(modulus: int, exponent: int, min_exponent: int) -> None:
    weakness = find_rsa_weakness(modulus, exponent, min_exponent)
    if weakness is not None:
        raise UnusableKey(weakness)


def _read_integer(member: Mapping[str, Any], name: str, code: str) -> int:
    """Return a base64urlUInt: the fewest octets (RFC 7518 section 2)."""
    octets = _read_octets(member, name, code)
    if octets[0] == 0:
        raise UnusableKey(code)
    return int.from_bytes(octets)


def _read_octets(member: Mapping[str, Any], name: str, code: str) -> bytes:
    text = _get_string(member, name)
    try:
        return decode_base64url(text.encode("ascii"))
    except ValueError as error:
        raise UnusableKey(code) from error


def _get_string(member: Mapping[str, Any], name: str) -> str:
    value = member.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_MEMBER_LENGTH:
        raise UnusableKey(f"member-{name}")
    return value
