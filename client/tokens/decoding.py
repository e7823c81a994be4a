"""Header and claims of a JWT (RFC 7519) without verification, and its times in words."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from encore.client.errors import UnexpectedResponseError
from encore.client.strict_json import parse_json

_TIMES: Final = {"auth_time": "logged in", "iat": "issued", "nbf": "valid from", "exp": "expires"}
_SIGNED: Final = 3
_ENCRYPTED: Final = 5
_LATEST: Final = 253_402_300_799
"""The end of the year 9999."""

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def decode_token(token: str) -> dict[str, Any]:
    """Return ``header`` and ``claims`` of a token.

    Raises:
        UnexpectedResponseError: It is not a signed JWT.
    """
    segments = token.split(".")
    if len(segments) == _ENCRYPTED:
        raise UnexpectedResponseError("The token is encrypted: only the API can read its claims.")
    if len(segments) != _SIGNED:
        raise UnexpectedResponseError(
            "The token is opaque, not a JWT: only its issuer knows its claims (introspection)."
        )
    return {"header": _decode(segments[0]), "claims": _decode(segments[1])}


def describe_times(claims: Mapping[str, Any], now: float) -> Iterator[str]:
    """Yield the times of a token in words, such as ``expires 2026-11-27T22:00:00Z: in 5 minutes``.

    Args:
        claims: Other types than numbers are passed over.
        now: Seconds since 1970.
    """
    for name, verb in _TIMES.items():
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not 0 <= value <= _LATEST:
            continue
        when = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield f"{verb} {when}: {describe_distance(value - now)}"


def describe_distance(seconds: float) -> str:
    """Return a distance from now in words, in its largest unit: ``in 5 minutes``, ``1 day ago``."""
    distance = abs(seconds)
    for size, unit in _UNITS:
        count = round(distance / size)
        if distance >= size and count:
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "now"


def _decode(segment: str) -> dict[str, Any]:
    try:
        content = urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode()
        value = parse_json(content)
    except (binascii.Error, ValueError):
        value = None
    if not isinstance(value, dict):
        raise UnexpectedResponseError("The token has three parts, but is not a JWT.")
    return value
