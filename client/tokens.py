"""Getting a token by client credentials (RFC 6749 section 4.4), and keeping it while it lasts.

An issuer without a final slash is Okta's: Basic authentication and a form at ``/v1/token``. One
with a final slash is Auth0's: JSON with the credentials in it at ``oauth/token``.
"""

import re
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from client.address import check_confidential
from client.answers import is_redirect, parse_json, short_text
from client.errors import IssuerRefusedError, UnexpectedAnswerError
from client.settings import ClientSettings
from client.transport import Transport

MARGIN_SECONDS = 30.0
"""A token is renewed this long before it ends, so that it does not end on the way."""

DEFAULT_LIFE_SECONDS = 300.0
"""Taken when the issuer does not say; ``expires_in`` is only recommended."""

_OK = 200
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class TokenSource:
    """Gives tokens, from memory as long as they live. Threads may share one.

    Args:
        settings: Issuer and credentials.
        transport: Sends the request.
        insecure: Whether the secret may go over http to another machine.
        clock: Seconds, from any start, never going back.
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
            check_confidential(settings.issuer, "client secret")
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._lock = Lock()
        self._token = ""
        self._ends = 0.0

    @property
    def remembered(self) -> str:
        """The token in memory, alive or not; empty before the first."""
        return self._token

    def get(self, *, refused: str = "") -> str:
        """Give a token.

        Args:
            refused: A token that the API did not take, and that is not to be given again.

        Raises:
            IssuerRefusedError: The issuer gave none.
            UnexpectedAnswerError: What answered is no issuer.
            NetworkError: Nothing answered.
        """
        with self._lock:
            if not self._token or self._token == refused or self._clock() >= self._ends:
                self._token, life = self._fetch()
                # Half its life at least is used of a token that lives shorter than the margin.
                self._ends = self._clock() + max(life - MARGIN_SECONDS, life / 2)
            return self._token

    def redact(self, text: str) -> str:
        """Give a text without our secret and token, should a server repeat them."""
        for secret in (self._token, self._settings.client_secret):
            text = text.replace(secret, "***") if secret else text
        return text

    def _fetch(self) -> tuple[str, float]:
        response = self._transport.send("POST", **self._request())
        if is_redirect(response):
            raise UnexpectedAnswerError(
                f"ISSUER answered with a redirect ({response.status_code}), which is not followed."
            )
        try:
            answer = parse_json(response.content)
        except ValueError:
            answer = None
        if response.status_code != _OK:
            said = _describe(answer) if isinstance(answer, dict) else short_text(response)
            text = f"ISSUER gave no token: {response.status_code} {said}".rstrip()
            raise IssuerRefusedError(self.redact(text), response.status_code)
        return _read_token(answer)

    def _request(self) -> dict[str, Any]:
        """Give the request's URL, body and authentication."""
        settings = self._settings
        parameters = {
            "grant_type": "client_credentials",
            "scope": settings.scope,
        }
        if not settings.issuer.endswith("/"):
            return {
                "url": f"{settings.issuer}/v1/token",
                "auth": (settings.client_id, settings.client_secret),
                "data": _given(parameters),
                "headers": {"Accept": "application/json"},
            }
        parameters |= {
            "audience": settings.audience,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
        }
        return {
            "url": f"{settings.issuer}oauth/token",
            "json": _given(parameters),
            "headers": {"Accept": "application/json"},
        }


def _given(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _describe(answer: Mapping[str, Any]) -> str:
    """Give the issuer's words: RFC 6749's members, or Okta's own for errors before them."""
    names = ("error", "error_description", "errorCode", "errorSummary")
    return ": ".join(str(answer[name]) for name in names if answer.get(name))


def _read_token(answer: Any) -> tuple[str, float]:
    """Give token and life in seconds of an answer of RFC 6749 section 5.1."""
    members = answer if isinstance(answer, dict) else {}
    token, kind = members.get("access_token"), members.get("token_type")
    # The form is checked, as the token becomes part of a header line.
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise UnexpectedAnswerError("ISSUER answered 200, but without an access token.")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise UnexpectedAnswerError("ISSUER gave a token of another type than Bearer.")
    life = members.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int | float) or life <= 0:
        return token, DEFAULT_LIFE_SECONDS
    return token, float(min(life, 86_400))
