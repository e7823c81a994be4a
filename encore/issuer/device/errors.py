"""Errors of token requests with a device code (RFC 8628 section 3.5)."""

from encore.issuer.oauth_errors import OAuthError


class AuthorizationPendingError(OAuthError):
    """The user has not decided yet."""

    code = "authorization_pending"


class SlowDownError(OAuthError):
    """The device asked too early, and must wait longer between requests from now on."""

    code = "slow_down"


class ExpiredTokenError(OAuthError):
    """The user has not decided in time."""

    code = "expired_token"


class DeviceAccessDeniedError(OAuthError):
    """The user denied the request."""

    code = "access_denied"
