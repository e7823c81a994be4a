"""The refusals of the token gate: which error, which words, which challenge.

Owns the sentences of the seed and the one ``WWW-Authenticate`` challenge that each refusal carries
(RFC 6750 section 3; RFC 9728 section 5.1 for ``resource_metadata``). It leaves rendering to
``encore.errors``. What a caller reads never tells why a token was refused: that is the
``reason`` code, which goes to the log alone.
"""

from math import ceil

from encore.errors import ApiError, Forbidden, InvalidRequest, ServiceUnavailable, Unauthorized

NO_HEADER = "You must send an Authorization header"
NOT_BEARER = "Expected a Bearer token"
NOT_PARSED = "Jwt cannot be parsed"
NOT_VALID = "Jwt is not valid"
EXPIRED = "Jwt is expired"
MALFORMED = "The bearer token was not sent as one well-formed Authorization header"
NO_SCOPE = "Could not verify the proper scope"
NO_KEYS = "The keys of the token's issuer are out of reach"
NO_INTROSPECTION = "The token's issuer cannot be asked for now"
TOO_MANY_BAD = "Too many refused tokens from this address"
TOO_MANY = "Too many requests of this client"

CHALLENGE = "WWW-Authenticate"


def no_credentials(message: str, reason: str) -> Unauthorized:
    """Refuse a request that shows no bearer token: RFC 6750 3.1 wants no ``error`` here."""
    return Unauthorized(message, headers={CHALLENGE: "Bearer"}, reason=reason)


def invalid_request(reason: str) -> InvalidRequest:
    """Refuse a token that was sent in a way that RFC 6750 does not know."""
    headers = {CHALLENGE: 'Bearer error="invalid_request"'}
    return InvalidRequest(MALFORMED, headers=headers, reason=reason)


def invalid_token(reason: str, message: str = NOT_VALID) -> Unauthorized:
    """Refuse a token, in one neutral sentence whatever the reason."""
    headers = {CHALLENGE: 'Bearer error="invalid_token"'}
    return Unauthorized(message, headers=headers, reason=reason)


def insufficient_scope(needed: str, reason: str) -> Forbidden:
    """Refuse a valid token that does not allow this operation.

    Args:
        needed: Scopes that would do, space-delimited.
        reason: The code for the log.
    """
    headers = {CHALLENGE: f'Bearer error="insufficient_scope", scope="{needed}"'}
    return Forbidden(NO_SCOPE, headers=headers, reason=reason)


def keys_unavailable(retry_after_seconds: float) -> ServiceUnavailable:
    """Refuse for want of keys, which is no fault of the token, so without a challenge."""
    headers = {"Retry-After": str(ceil(max(1, retry_after_seconds)))}
    return ServiceUnavailable(NO_KEYS, headers=headers, reason="keys-unavailable")


def introspection_unavailable(retry_after_seconds: float) -> ServiceUnavailable:
    """Refuse for want of an answer, which is no fault of the token, so without a challenge."""
    headers = {"Retry-After": str(ceil(max(1, retry_after_seconds)))}
    return ServiceUnavailable(NO_INTROSPECTION, headers=headers, reason="introspection-unavailable")


def is_bad_token(refusal: ApiError) -> bool:
    """Tell whether a token was sent, and was not good: its challenge names an error."""
    return "error=" in refusal.headers.get(CHALLENGE, "") and not isinstance(refusal, Forbidden)


def point_to_metadata(refusal: ApiError, url: str) -> None:
    """Add ``resource_metadata`` (RFC 9728 5.1) to the challenge, where there is one."""
    challenge = refusal.headers.get(CHALLENGE)
    if challenge is not None:
        joint = ", " if "=" in challenge else " "
        refusal.headers[CHALLENGE] = f'{challenge}{joint}resource_metadata="{url}"'
