"""Token requests by client credentials (RFC 6749 section 4.4), and the responses to them.

An issuer without a trailing slash is Okta's: Basic authentication and a form sent to
``/v1/token``. With a trailing slash it is Auth0's: JSON with the credentials sent to
``oauth/token``. Nothing here sends: what is built and parsed is the same for threads and tasks.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from encore.client.errors import ConfigurationError, IssuerError, UnexpectedResponseError
from encore.client.lean_httpx import httpx
from encore.client.responses import describe_plain_response, is_redirect, parse_body
from encore.client.settings import ClientSettings
from encore.client.token_cache import CachedToken

RENEWAL_MARGIN_SECONDS: Final = 30.0
"""A token is renewed this long before it expires, so that it does not expire in transit."""

DEFAULT_LIFETIME_SECONDS: Final = 300.0
"""Used when the response has no ``expires_in``, which RFC 6749 only recommends."""

MAX_LIFETIME_SECONDS: Final = 86_400.0

TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The syntax of a bearer token (RFC 6750 section 2.1): it becomes part of a header line."""

_OK: Final = 200


def build_token_request(settings: ClientSettings, token_url: str = "") -> httpx.Request:
    """Return the request of a token.

    Args:
        settings: Issuer and credentials.
        token_url: The token endpoint, if it is not where Okta or Auth0 have it; credentials are
            sent as to Okta.

    Raises:
        ConfigurationError: A setting cannot be sent.
    """
    try:
        return _build_token_request(settings, token_url)
    except UnicodeEncodeError as error:  # Of bytes in the environment; it has the secret.
        raise ConfigurationError(
            "CLIENT_ID, CLIENT_SECRET, SCOPE and AUDIENCE must be UTF-8, and one of them is not."
        ) from error


def _build_token_request(settings: ClientSettings, token_url: str) -> httpx.Request:
    headers = {"Accept": "application/json"}
    parameters = {"grant_type": "client_credentials", "scope": settings.scope}
    if not token_url and settings.issuer.endswith("/"):
        parameters |= {
            "audience": settings.audience,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
        }
        url = f"{settings.issuer}oauth/token"
        return httpx.Request("POST", url, headers=headers, json=_without_empty(parameters))
    request = httpx.Request(
        "POST",
        token_url or f"{settings.issuer}/v1/token",
        headers=headers,
        data=_without_empty(parameters),
    )
    # A flow of httpx is a generator that yields the request with its header.
    return next(httpx.BasicAuth(settings.client_id, settings.client_secret).auth_flow(request))


def parse_token_response(response: httpx.Response, now: float) -> CachedToken:
    """Return the token of a response (RFC 6749 section 5.1).

    Args:
        response: Read completely.
        now: The time in seconds since 1970.

    Raises:
        IssuerError: The issuer returned no token.
        UnexpectedResponseError: The response is not a token response.
    """
    if is_redirect(response):
        raise UnexpectedResponseError(
            f"ISSUER responded with a redirect ({response.status_code}), which is not followed."
        )
    try:
        value = parse_body(response)
    except ValueError:
        value = None
    if response.status_code != _OK:
        is_object = isinstance(value, dict)
        reason = _describe_error(value) if is_object else describe_plain_response(response)
        message = f"ISSUER returned no token: {response.status_code} {reason}".rstrip()
        raise IssuerError(message, response.status_code, response.headers.get("retry-after", ""))
    return _parse_token(value, now)


def _without_empty(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _describe_error(members: Mapping[str, Any]) -> str:
    """Return the issuer's message: RFC 6749's members, or Okta's for errors before them."""
    names = ("error", "error_description", "errorCode", "errorSummary")
    return ": ".join(str(members[name]) for name in names if members.get(name))


def _parse_token(value: Any, now: float) -> CachedToken:
    members = value if isinstance(value, dict) else {}
    token, token_type = members.get("access_token"), members.get("token_type")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise UnexpectedResponseError("ISSUER responded 200, but without an access token.")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise UnexpectedResponseError("ISSUER returned a token of another type than Bearer.")
    lifetime = _parse_lifetime(members.get("expires_in"))
    # A token that lives shorter than the margin is used for half its lifetime.
    renew_after = max(lifetime - RENEWAL_MARGIN_SECONDS, lifetime / 2)
    refresh_token = members.get("refresh_token")
    return CachedToken(
        token,
        renew_at=now + renew_after,
        expires_at=now + lifetime,
        refresh_token=refresh_token if isinstance(refresh_token, str) else "",
    )


def _parse_lifetime(expires_in: Any) -> float:
    """Return a lifetime in seconds."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float) or expires_in <= 0:
        return DEFAULT_LIFETIME_SECONDS
    return float(min(expires_in, MAX_LIFETIME_SECONDS))
