"""RSA keys and Edwards points whose private key is known or easily found."""

import random
from base64 import urlsafe_b64encode
from math import prod
from typing import Any

import pytest

from encore.auth.jwks import parse_key_set
from encore.auth.weak_keys import has_small_order

MODULUS_BYTES = 256
PRIME_BITS = 1024


_SMALL_PRIMES = [p for p in range(2, 702) if all(p % d for d in range(2, p))]


def _is_prime(number: int) -> bool:
    if any(number % prime == 0 for prime in _SMALL_PRIMES):
        return False
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5))


def _random_prime(random_: random.Random) -> int:
    while True:
        number = random_.getrandbits(PRIME_BITS) | 3 << (PRIME_BITS - 2) | 1
        if _is_prime(number):
            return number


def _next_prime(number: int) -> int:
    number += 2
    while not _is_prime(number):
        number += 2
    return number


def _roca_prime(random_: random.Random) -> int:
    """Return a prime of the form of CVE-2017-15361: k * M + (65537 ** a mod M)."""
    primorial = prod(_SMALL_PRIMES)
    smallest, largest = (3 << (PRIME_BITS - 2)) // primorial, (1 << PRIME_BITS) // primorial - 1
    while True:
        power = pow(65537, random_.getrandbits(60), primorial)
        prime = random_.randint(smallest, largest) * primorial + power
        if _is_prime(prime):
            return prime


def _jwk(modulus: int, **changes: Any) -> dict[str, Any]:
    octets = modulus.to_bytes((modulus.bit_length() + 7) // 8)
    n = urlsafe_b64encode(octets).rstrip(b"=").decode()
    return {"kid": "key-1", "kty": "RSA", "n": n, "e": "AQAB"} | changes


def _code(jwk: dict[str, Any]) -> str | None:
    """Return the code with which a key is skipped; None if it is used."""
    keys = parse_key_set({"keys": [jwk]}, ("RS256", "EdDSA"))
    return keys.skipped[0][1] if keys.skipped else None


@pytest.fixture(scope="module")
def random_() -> random.Random:
    return random.Random(1)


@pytest.fixture(scope="module")
def prime(random_: random.Random) -> int:
    return _random_prime(random_)


def test_modulus_of_two_random_primes_is_used(random_: random.Random, prime: int) -> None:
    assert _code(_jwk(prime * _random_prime(random_))) is None


def test_modulus_with_the_roca_fingerprint_is_skipped(random_: random.Random) -> None:
    modulus = _roca_prime(random_) * _roca_prime(random_)
    assert modulus.bit_length() == 8 * MODULUS_BYTES
    assert _code(_jwk(modulus)) == "rsa-roca"


@pytest.mark.parametrize("factor", [3, 5, 751, 9973])
def test_modulus_with_a_small_factor_is_skipped(random_: random.Random, factor: int) -> None:
    cofactor = random_.getrandbits(2047) | 1 << 2046 | 1
    assert _code(_jwk(factor * cofactor)) == "rsa-small-factor"


def test_even_modulus_is_skipped(prime: int) -> None:
    assert _code(_jwk(2 * prime * prime)) == "rsa-even-modulus"


def test_modulus_of_close_or_equal_primes_is_skipped(prime: int) -> None:
    assert _code(_jwk(prime * prime)) == "rsa-close-primes"
    assert _code(_jwk(prime * _next_prime(prime))) == "rsa-close-primes"


def test_modulus_in_another_encoding_is_skipped(signer: Any) -> None:
    n = signer.jwk["n"]
    octets = b"\0" + int.from_bytes(b"\1" * MODULUS_BYTES).to_bytes(MODULUS_BYTES)
    leading_zero = urlsafe_b64encode(octets).rstrip(b"=").decode()
    last = "BCDEFGHIJKLMNOP"["AQgw".index(n[-1])]  # Stray bits after the last octet.
    for text in (n + "==", n[:-1] + last, n + "\n", n.replace("-", "+"), leading_zero):
        if text != n:
            assert _code(signer.jwk | {"n": text}) == "rsa-modulus-encoding"


def test_small_exponent_is_used_only_where_the_issuer_is_trusted_with_it(signer: Any) -> None:
    jwk = signer.jwk | {"e": "Aw"}
    assert _code(jwk) == "rsa-small-exponent"
    assert parse_key_set({"keys": [jwk]}, ("RS256",), min_rsa_exponent=3)
    assert not parse_key_set({"keys": [jwk | {"e": "AQ"}]}, ("RS256",), min_rsa_exponent=3)


ED25519_SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    # Not canonical: the field's prime added, and a sign for x = 0.
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000080",
]


@pytest.mark.parametrize("point", ED25519_SMALL)
def test_ed25519_point_of_small_order_is_skipped(point: str) -> None:
    x = urlsafe_b64encode(bytes.fromhex(point)).rstrip(b"=").decode()
    assert _code({"kty": "OKP", "crv": "Ed25519", "x": x}) == "okp-small-order"


@pytest.mark.parametrize("y", [0, 1, 2**448 - 2**224 - 2, 2**448 - 2**224 - 1])
def test_ed448_point_of_small_order_is_skipped(y: int) -> None:
    x = urlsafe_b64encode(y.to_bytes(57, "little")).rstrip(b"=").decode()
    assert _code({"kty": "OKP", "crv": "Ed448", "x": x}) == "okp-small-order"


def test_point_of_a_generated_key_has_no_small_order(make_signer: Any) -> None:
    assert _code(make_signer("key-1", "EdDSA").jwk) is None
    assert not has_small_order(bytes([9]) + bytes(31))
