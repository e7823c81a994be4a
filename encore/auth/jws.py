"""Strict parsing of a token in JWS compact serialization, and validation of its header.

Owns the syntax: three segments of canonical base64url (RFC 7515 section 2 and appendix C), UTF-8
JSON objects without duplicate members (RFC 7515 section 4, RFC 8725 2.4) and without NaN or
Infinity, and the header parameters that are used or rejected. python-jose is lenient on each of
these, so it only receives what has been validated here. Claims are validated by ``claims``, the
signature by ``jwt_verifier``.
"""

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from encore.auth import challenges
from encore.auth.base64url import decode_base64url
from encore.strict_json import strict_decoder

MAX_TOKEN_BYTES: Final = 16 * 1024
MAX_NESTING: Final = 16
"""Levels of objects and arrays; deeper claims would break code that walks them recursively."""

TYPES: Final = frozenset({"jwt", "at+jwt"})
"""``typ`` in lower case and without ``application/`` (RFC 7515 4.1.9, RFC 9068 section 4)."""

REJECTED_PARAMETERS: Final = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c"})
"""Unsupported extensions (RFC 7515 4.1.11) and keys that are embedded in the token."""

_SEGMENTS: Final = 3


@dataclass(frozen=True, slots=True)
class UnverifiedJWT:
    """A parsed token whose signature and claims are not verified.

    Attributes:
        algorithm: ``alg`` of the header.
        kid: ``kid`` of the header, never empty; None if it has none.
        type_: ``typ`` of the header, in lower case and without ``application/``.
        claims: The payload.
        signed: The JWS signing input.
        signature: The raw signature.
    """

    algorithm: str
    kid: str | None
    type_: str
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_jwt(credential: bytes) -> UnverifiedJWT:
    """Parse a credential.

    Raises:
        Unauthorized: It is not a JWT (``Jwt cannot be parsed``), or its header is invalid.
    """
    if len(credential) > MAX_TOKEN_BYTES:
        raise challenges.invalid_token("token-too-large", challenges.NOT_PARSED)
    segments = credential.split(b".")
    if len(segments) != _SEGMENTS:
        raise challenges.invalid_token("not-three-segments", challenges.NOT_PARSED)
    try:
        header = decode_object(decode_base64url(segments[0]))
        claims = decode_object(decode_base64url(segments[1]))
        signature = decode_base64url(segments[2])
    # json raises RecursionError for a thousand levels of nesting.
    except (ValueError, RecursionError) as error:
        raise challenges.invalid_token("not-a-jwt", challenges.NOT_PARSED) from error
    algorithm, kid, type_ = _validate_header(header)
    signed = credential[: len(segments[0]) + 1 + len(segments[1])]
    return UnverifiedJWT(algorithm, kid, type_, claims, signed, signature)


def _validate_header(header: dict[str, Any]) -> tuple[str, str | None, str]:
    """Validate a header; return its ``alg``, ``kid`` and ``typ``. Raises ``Unauthorized``."""
    if not REJECTED_PARAMETERS.isdisjoint(header):
        raise challenges.invalid_token("header-member-refused")
    raw = header.get("typ", "jwt")
    type_ = raw.lower().removeprefix("application/") if isinstance(raw, str) else None
    if type_ not in TYPES:
        raise challenges.invalid_token("header-typ")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise challenges.invalid_token("header-alg")
    # It is optional (RFC 7515 4.1.4): without it the issuer must have only one key that fits.
    if "kid" in header and not (isinstance(kid, str) and kid):
        raise challenges.invalid_token("header-kid")
    return algorithm, kid, type_


def decode_object(octets: bytes) -> dict[str, Any]:
    """Decode a JSON object strictly.

    Raises:
        ValueError: It is not JSON in UTF-8, not an object, nested too deeply, or ambiguous.
        RecursionError: It is nested too deeply for the decoder.
    """
    value = _DECODER.decode(octets.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the caller maps ValueError only
    # Few brackets cannot be nested deeply; most tokens need not be walked.
    if octets.count(b"[") + octets.count(b"{") > MAX_NESTING and _is_too_deep(value):
        raise ValueError("nested too deeply")
    if b"\\u" in octets:
        # A lone surrogate, which only an escape can express, could not be encoded later.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _is_too_deep(value: dict[str, Any]) -> bool:
    """Return whether a value exceeds ``MAX_NESTING``; walks by level, not recursively."""
    level: list[Any] = [value]
    for _ in range(MAX_NESTING):
        children = (n.values() if isinstance(n, dict) else n for n in level)
        level = [c for group in children for c in group if isinstance(c, dict | list)]
        if not level:
            return False
    return True


def _parse_finite(digits: str) -> float:
    """Parse a number; 1e999 would become an infinity, which JSON does not have."""
    value = float(digits)
    if not isfinite(value):
        raise ValueError(digits)
    return value


_DECODER: Final = strict_decoder(parse_float=_parse_finite)
