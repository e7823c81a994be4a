"""The errors of bearer authentication: class, message and challenge.

Owns the messages of Okta's sample and the ``WWW-Authenticate`` challenge of each error (RFC 6750
section 3; RFC 9728 section 5.1 for ``resource_metadata``). ``encore.errors`` renders them. The
response never discloses why a token is invalid: that is the ``reason`` code, for the log only.
"""

from math import ceil
from typing import Final

from encore.errors import ApiError, Forbidden, InvalidRequest, ServiceUnavailable, Unauthorized

NO_HEADER: Final = "You must send an Authorization header"
NOT_BEARER: Final = "Expected a Bearer token"
NOT_PARSED: Final = "Jwt cannot be parsed"
NOT_VALID: Final = "Jwt is not valid"
EXPIRED: Final = "Jwt is expired"
MALFORMED: Final = "The bearer token was not sent as one well-formed Authorization header"
NO_SCOPE: Final = "Could not verify the proper scope"
NO_KEYS: Final = "The keys of the token's issuer are unavailable"
NO_INTROSPECTION: Final = "The introspection endpoint of the token's issuer is unavailable"
TOO_MANY_INVALID: Final = "Too many invalid tokens from this address"
TOO_MANY: Final = "Too many requests of this user or client"

CHALLENGE: Final = "WWW-Authenticate"


def no_credentials(message: str, reason: str) -> Unauthorized:
    """Return the error of a request without a bearer token; RFC 6750 3.1 allows no ``error``."""
    return Unauthorized(message, headers={CHALLENGE: "Bearer"}, reason=reason)


def invalid_request(reason: str) -> InvalidRequest:
    """Return the error of a token that was not sent as RFC 6750 prescribes."""
    headers = {CHALLENGE: 'Bearer error="invalid_request"'}
    return InvalidRequest(MALFORMED, headers=headers, reason=reason)


def invalid_token(reason: str, message: str = NOT_VALID) -> Unauthorized:
    """Return the error of an invalid token; the message does not disclose the reason."""
    headers = {CHALLENGE: 'Bearer error="invalid_token"'}
    return Unauthorized(message, headers=headers, reason=reason)


def insufficient_scope(required: str, reason: str) -> Forbidden:
    """Return the error of a valid token that does not allow this operation.

    Args:
        required: Sufficient scopes, space-delimited.
        reason: The code for the log.
    """
    headers = {CHALLENGE: f'Bearer error="insufficient_scope", scope="{required}"'}
    return Forbidden(NO_SCOPE, headers=headers, reason=reason)


def keys_unavailable(retry_after_seconds: float) -> ServiceUnavailable:
    """Return the error of unavailable keys; without a challenge, as the token may be valid."""
    headers = {"Retry-After": str(ceil(max(1, retry_after_seconds)))}
    return ServiceUnavailable(NO_KEYS, headers=headers, reason="keys-unavailable")


def introspection_unavailable(retry_after_seconds: float) -> ServiceUnavailable:
    """Return the error of failed introspection; without a challenge, as the token may be valid."""
    headers = {"Retry-After": str(ceil(max(1, retry_after_seconds)))}
    return ServiceUnavailable(NO_INTROSPECTION, headers=headers, reason="introspection-unavailable")


def is_invalid_token(error: ApiError) -> bool:
    """Return whether an invalid token was sent: the challenge has an error code."""
    return "error=" in error.headers.get(CHALLENGE, "") and not isinstance(error, Forbidden)


def add_resource_metadata(error: ApiError, url: str) -> None:
    """Add ``resource_metadata`` (RFC 9728 5.1) to the challenge of an error, if it has one."""
    challenge = error.headers.get(CHALLENGE)
    if challenge is not None:
        separator = ", " if "=" in challenge else " "
        error.headers[CHALLENGE] = f'{challenge}{separator}resource_metadata="{url}"'
