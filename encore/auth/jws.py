"""One token in JWS compact serialization, taken apart strictly and judged by its header.

Owns the bytes: three segments of canonical base64url (RFC 7515 section 2 and appendix C), UTF-8
JSON objects without duplicate members (RFC 7515 section 4, RFC 8725 2.4) and without what JSON
does not have (NaN, Infinity), and the header members that we act on or refuse. python-jose is
lenient on every one of these, so nothing reaches it that has not passed here. What the claims
mean is left to ``claims``, the signature to ``verifier``.
"""

import json
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from math import isfinite
from typing import Any

from encore.auth import challenges

MAX_TOKEN_BYTES = 16 * 1024
MAX_NESTING = 16
"""Levels of objects and lists; what is deeper breaks whoever walks the claims by recursion."""

TYPES = frozenset({"jwt", "at+jwt"})
"""``typ`` in lower case and without ``application/`` (RFC 7515 4.1.9, RFC 9068 section 4)."""

REJECTED_PARAMETERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c"})
"""Extensions we do not implement (RFC 7515 4.1.11) and keys that a token brings along itself."""

_SEGMENTS = 3
# What is foreign to base64url must stay foreign: the standard alphabet's own two, and padding.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")


@dataclass(frozen=True, slots=True)
class UnverifiedJWT:
    """A token taken apart; nothing in it is verified.

    Attributes:
        algorithm: ``alg`` of the header.
        kid: ``kid`` of the header, never empty.
        claims: The payload.
        signed: The octets that the signature is over.
        signature: The raw signature.
    """

    algorithm: str
    kid: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_jwt(credential: bytes) -> UnverifiedJWT:
    """Take a credential apart.

    Raises:
        Unauthorized: It is no JWT (``Jwt cannot be parsed``), or its header is refused.
    """
    if len(credential) > MAX_TOKEN_BYTES:
        raise challenges.invalid_token("token-too-large", challenges.NOT_PARSED)
    segments = credential.split(b".")
    if len(segments) != _SEGMENTS:
        raise challenges.invalid_token("not-three-segments", challenges.NOT_PARSED)
    try:
        header = _json_object(_octets(segments[0]))
        claims = _json_object(_octets(segments[1]))
        signature = _octets(segments[2])
    # json raises RecursionError on text that nests a thousand deep.
    except (ValueError, RecursionError) as error:
        raise challenges.invalid_token("not-a-jwt", challenges.NOT_PARSED) from error
    algorithm, kid = _judge(header)
    signed = credential[: len(segments[0]) + 1 + len(segments[1])]
    return UnverifiedJWT(algorithm, kid, claims, signed, signature)


def _judge(header: dict[str, Any]) -> tuple[str, str]:
    """Give ``alg`` and ``kid`` of a header in which nothing is to be refused."""
    if not REJECTED_PARAMETERS.isdisjoint(header):
        raise challenges.invalid_token("header-member-refused")
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise challenges.invalid_token("header-typ")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise challenges.invalid_token("header-alg")
    if not isinstance(kid, str) or not kid:
        raise challenges.invalid_token("header-kid")
    return algorithm, kid


def _octets(segment: bytes) -> bytes:
    """Decode base64url in its one canonical form: no padding, no blanks, no stray last bits."""
    standard = segment.translate(_TO_STANDARD) + b"=" * (-len(segment) % 4)
    octets = a2b_base64(standard)
    # Python skips foreign characters and ignores stray bits; encoding again shows both.
    if b2a_base64(octets, newline=False) != standard:
        raise ValueError("not canonical base64url")
    return octets


def _json_object(octets: bytes) -> dict[str, Any]:
    """Read a JSON object, or raise ValueError or RecursionError."""
    value = _DECODER.decode(octets.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  the caller maps ValueError alone
    # Few brackets cannot nest deep; most tokens need not be walked.
    if octets.count(b"[") + octets.count(b"{") > MAX_NESTING and _nests_too_deep(value):
        raise ValueError("nested too deep")
    if b"\\u" in octets:
        # A lone surrogate, which only an escape can write, would break whoever encodes it later.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _nests_too_deep(value: dict[str, Any]) -> bool:
    """Walk level by level, not by recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_NESTING):
        children = (n.values() if isinstance(n, dict) else n for n in level)
        level = [c for group in children for c in group if isinstance(c, dict | list)]
        if not level:
            return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(text: str) -> float:
    """Read a number; 1e999 would become an infinity that JSON cannot have meant."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
