"""Requesting tokens by client credentials (RFC 6749 section 4.4), and caching them.

An issuer without a trailing slash is Okta's: Basic authentication and a form sent to
``/v1/token``. With a trailing slash it is Auth0's: JSON with the credentials sent to
``oauth/token``.
"""

import re
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from encore.client.errors import IssuerError, UnexpectedResponseError
from encore.client.responses import describe_plain_response, is_redirect, parse_body
from encore.client.settings import ClientSettings
from encore.client.transport import Transport
from encore.client.urls import require_https

RENEWAL_MARGIN_SECONDS: Final = 30.0
"""A token is renewed this long before it expires, so that it does not expire in transit."""

DEFAULT_LIFETIME_SECONDS: Final = 300.0
"""Used when the response has no ``expires_in``, which RFC 6749 only recommends."""

MAX_LIFETIME_SECONDS: Final = 86_400.0

_OK: Final = 200
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class TokenSource:
    """Returns access tokens, cached until shortly before they expire. Threads may share one.

    Args:
        settings: Issuer and credentials.
        transport: Sends the request.
        insecure: Whether the secret may be sent over http to another machine.
        clock: Returns seconds from an arbitrary start; monotonic.
    """

    def __init__(
        self,
        settings: ClientSettings,
        transport: Transport,
        *,
        insecure: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not insecure:
            require_https(settings.issuer, "client secret")
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._lock = Lock()
        self._token = ""
        self._renew_at = 0.0

    @property
    def cached_token(self) -> str:
        """The cached token, expired or not; empty before the first."""
        return self._token

    def get_token(self, *, rejected: str = "") -> str:
        """Return the cached token, or request a new one.

        Args:
            rejected: A token that the API rejected and that must not be returned again.

        Raises:
            IssuerError: The issuer returned no token.
            UnexpectedResponseError: The response is not a token response.
            NetworkError: No response.
        """
        with self._lock:
            if not self._token or self._token == rejected or self._clock() >= self._renew_at:
                self._token, lifetime = self._request_token()
                # A token that lives shorter than the margin is used for half its lifetime.
                self._renew_at = self._clock() + max(
                    lifetime - RENEWAL_MARGIN_SECONDS, lifetime / 2
                )
            return self._token

    def redact(self, message: str) -> str:
        """Return a message without our secret and token, in case a server repeated them."""
        for secret in (self._token, self._settings.client_secret):
            message = message.replace(secret, "***") if secret else message
        return message

    def _request_token(self) -> tuple[str, float]:
        response = self._transport.send("POST", **self._build_request())
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
            raise IssuerError(self.redact(message), response.status_code)
        return _parse_token(value)

    def _build_request(self) -> dict[str, Any]:
        """Return the request's URL, body and authentication."""
        settings = self._settings
        headers = {"Accept": "application/json"}
        parameters = {"grant_type": "client_credentials", "scope": settings.scope}
        if not settings.issuer.endswith("/"):
            return {
                "url": f"{settings.issuer}/v1/token",
                "auth": (settings.client_id, settings.client_secret),
                "data": _without_empty(parameters),
                "headers": headers,
            }
        parameters |= {
            "audience": settings.audience,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
        }
        return {
            "url": f"{settings.issuer}oauth/token",
            "json": _without_empty(parameters),
            "headers": headers,
        }


def _without_empty(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _describe_error(members: Mapping[str, Any]) -> str:
    """Return the issuer's message: RFC 6749's members, or Okta's for errors before them."""
    names = ("error", "error_description", "errorCode", "errorSummary")
    return ": ".join(str(members[name]) for name in names if members.get(name))


def _parse_token(value: Any) -> tuple[str, float]:
    """Return token and lifetime in seconds of a token response (RFC 6749 section 5.1)."""
    members = value if isinstance(value, dict) else {}
    token, token_type = members.get("access_token"), members.get("token_type")
    # The syntax is checked because the token becomes part of a header line.
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise UnexpectedResponseError("ISSUER responded 200, but without an access token.")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise UnexpectedResponseError("ISSUER returned a token of another type than Bearer.")
    lifetime = members.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or lifetime <= 0:
        return token, DEFAULT_LIFETIME_SECONDS
    return token, float(min(lifetime, MAX_LIFETIME_SECONDS))
