"""Recognition of public keys whose private key is known or easily found.

Owns the checks of numbers that need no network and take well under a millisecond: RSA moduli that
are even, have a small factor (NIST SP 800-89 section 5.3.3), are a product of two close primes
(CVE-2022-26320) or were made by Infineon's library (ROCA, CVE-2017-15361: Nemec et al., "The Return
of Coppersmith's Attack", CCS 2017), RSA exponents, and Edwards points of small order, for which
anybody can make signatures (RFC 8032 section 8.9). ``public_keys`` reads the keys.
"""

from functools import lru_cache
from math import gcd, isqrt, prod
from typing import Final

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""A larger modulus would make each verification slow."""

MIN_RSA_EXPONENT: Final = 65537
"""The default (NIST SP 800-89 section 5.3.3, SP 800-56B): with 3, lenient verifiers were forged."""

SMALLEST_RSA_EXPONENT: Final = 3
_MAX_RSA_EXPONENT: Final = 2**32

_FERMAT_ROUNDS: Final = 20
"""The keys that were found in the field fall in the first round."""


def _primes_below(limit: int) -> list[int]:
    sieve = bytearray([1]) * limit
    sieve[:2] = bytes(2)
    for number in range(2, isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(sieve[number * number :: number]))
    return [number for number in range(limit) if sieve[number]]


def _powers(base: int, modulus: int) -> frozenset[int]:
    """Return the subgroup that a number generates modulo a prime."""
    powers, power = {1}, base % modulus
    while power != 1:
        powers.add(power)
        power = power * base % modulus
    return frozenset(powers)


_PRIMES: Final = _primes_below(10_000)
_PRODUCT: Final = prod(_PRIMES)

_ROCA_SUBGROUPS: Final = tuple((prime, _powers(65537, prime)) for prime in _PRIMES[1:39])
"""An affected modulus is a power of 65537 modulo each of the first 38 odd primes; another one is so
by chance once in 2**28."""

_ED25519_PRIME: Final = 2**255 - 19
_ED448_PRIME: Final = 2**448 - 2**224 - 1
_ED25519_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = {
    # Length in octets: the field's prime, and the y of all points of order 1, 2, 4 and 8.
    32: (
        _ED25519_PRIME,
        {0, 1, _ED25519_PRIME - 1, _ED25519_ORDER_8, _ED25519_PRIME - _ED25519_ORDER_8},
    ),
    57: (_ED448_PRIME, {0, 1, _ED448_PRIME - 1}),
}


def find_rsa_weakness(modulus: int, exponent: int, min_exponent: int) -> str | None:
    """Return a code for why an RSA key must not be used; None if no reason is known."""
    if not SMALLEST_RSA_EXPONENT <= exponent < _MAX_RSA_EXPONENT or exponent % 2 == 0:
        return "rsa-exponent"
    return _find_weak_modulus(modulus) or (
        "rsa-small-exponent" if exponent < min_exponent else None
    )


@lru_cache(maxsize=256)
def _find_weak_modulus(modulus: int) -> str | None:
    """Return a code for why a modulus must not be used; cached, since keys are fetched often."""
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        return "rsa-size"
    if modulus % 2 == 0:
        return "rsa-even-modulus"
    if gcd(modulus, _PRODUCT) != 1:
        return "rsa-small-factor"
    if _has_close_primes(modulus):
        return "rsa-close-primes"
    if all(modulus % prime in subgroup for prime, subgroup in _ROCA_SUBGROUPS):
        return "rsa-roca"
    return None


def _has_close_primes(modulus: int) -> bool:
    """Return whether Fermat's method finds two factors at once; two equal ones, too."""
    mean = isqrt(modulus - 1) + 1
    for candidate in range(mean, mean + _FERMAT_ROUNDS):
        square = candidate * candidate - modulus
        if isqrt(square) ** 2 == square:
            return True
    return False


def has_small_order(point: bytes) -> bool:
    """Return whether an encoded point of Ed25519 or Ed448 (RFC 8032) has an order of 8 or less."""
    prime, small = _SMALL_ORDER[len(point)]
    sign_bit = 8 * len(point) - 1
    return (int.from_bytes(point, "little") & ~(1 << sign_bit)) % prime in small
