"""Errors that the issuer sends: RFC 6749 section 5.2 codes in a JSON body.

No message repeats a secret, a token or the value of a parameter.

The tree::

    OAuthError
    ├── InvalidRequestError           400  invalid_request
    │   └── RequestTooLargeError      413  invalid_request
    ├── InvalidClientError            401  invalid_client, with a Basic challenge
    ├── TooManyGuessesError           429  invalid_client
    ├── UnauthorizedClientError       400  unauthorized_client
    ├── InvalidGrantError             400  invalid_grant
    ├── UnsupportedGrantTypeError     400  unsupported_grant_type
    ├── UnsupportedTokenTypeError     400  unsupported_token_type (RFC 7009 section 2.2.1)
    ├── InvalidScopeError             400  invalid_scope
    ├── InvalidTargetError            400  invalid_target (RFC 8707 section 2)
    ├── AccessDeniedError             403  access_denied (Auth0's code for an unknown audience)
    ├── MissingTokenError             401  invalid_request, with a Bearer challenge
    ├── InvalidTokenError             401  invalid_token (RFC 6750 section 3.1)
    └── InsufficientScopeError        403  insufficient_scope
"""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import ClassVar


class OAuthError(Exception):
    """An error response of RFC 6749 section 5.2.

    Args:
        description: What is wrong, in the ASCII that the RFC allows: no quote, no backslash.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, description: str) -> None:
        self.description = description
        super().__init__(description)


class InvalidRequestError(OAuthError):
    """The request is malformed, or has a duplicate or missing parameter."""


class RequestTooLargeError(InvalidRequestError):
    """The body is too large."""

    status = 413


class InvalidClientError(OAuthError):
    """Client authentication failed; an unknown client and a wrong secret are not distinguished.

    RFC 6749 asks for the challenge when the client tried Basic; RFC 9110 section 15.5.2 asks for
    it on every 401, so it is always sent.
    """

    status = 401
    code = "invalid_client"
    headers = MappingProxyType({"WWW-Authenticate": 'Basic realm="issuer"'})


class TooManyGuessesError(OAuthError):
    """Too many wrong secrets of a client id came from an address; this one was not looked at.

    The RFC has no code for it; ``invalid_client`` is what the guesses before were answered.

    Args:
        seconds: When to try again, in seconds from now.
    """

    status = 429
    code = "invalid_client"

    def __init__(self, seconds: float) -> None:
        self.headers = {"Retry-After": str(max(1, ceil(seconds)))}
        super().__init__("Too many wrong secrets of this client from this address; retry later.")


class UnauthorizedClientError(OAuthError):
    """The client may not use this grant."""

    code = "unauthorized_client"


class InvalidGrantError(OAuthError):
    """The code cannot be redeemed, the token is another client's, or the user's name is invalid."""

    code = "invalid_grant"


class UnsupportedGrantTypeError(OAuthError):
    """The grant is not one of ``GRANTS``."""

    code = "unsupported_grant_type"


class UnsupportedTokenTypeError(OAuthError):
    """The token cannot be revoked (RFC 7009 section 2.2.1)."""

    code = "unsupported_token_type"


class InvalidScopeError(OAuthError):
    """The scope is missing, malformed or too long."""

    code = "invalid_scope"


class InvalidTargetError(OAuthError):
    """The resource is not one of this issuer's, or there are several (RFC 8707 section 2)."""

    code = "invalid_target"


class AccessDeniedError(OAuthError):
    """The audience is not one of this issuer's; Auth0 also sends 403."""

    status = 403
    code = "access_denied"


class MissingTokenError(OAuthError):
    """The request has no Bearer token."""

    status = 401
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class InvalidTokenError(OAuthError):
    """The token is unknown, expired or revoked."""

    status = 401
    code = "invalid_token"
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer error="invalid_token"'})


class InsufficientScopeError(OAuthError):
    """The token is not for this endpoint."""

    status = 403
    code = "insufficient_scope"
    headers = MappingProxyType(
        {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="openid"'}
    )
