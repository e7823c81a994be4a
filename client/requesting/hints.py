"""What to do about an error: hints beside the message of the API or of the network."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from client.requesting.messages import Response
from client.tokens.access_tokens import AccessTokens
from encore.client.errors import ApiError, ClientError, IssuerError, NetworkError
from encore.client.urls import is_loopback

_SCOPE: Final = re.compile(r'\bscope="([^"]*)"')
_OF_TLS: Final = (b"HTTP request was sent to HTTPS port", b"HTTP request to an HTTPS server")
"""What nginx and Go respond to plain http."""

_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_NOT_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "wrong version number",
)
_MAYBE_TLS: Final = ("Connection reset", "\x15\x03")
"""What a server that speaks TLS does, or sends (an alert), when it receives plain http."""

_REFUSED: Final = ("Connection refused", "Errno 111", "Errno 61", "WinError 10061")


def hint_on_network(error: NetworkError, url: str) -> str:
    """Return a sentence to add to the message; empty without a hint.

    Args:
        error: Why there is no response.
        url: What was requested.
    """
    message = str(error)
    scheme = urlsplit(url).scheme
    if scheme == "https" and any(word in message for word in _NOT_TLS):
        return "The server speaks plain http: use http://."
    if scheme == "http" and any(word in message for word in _MAYBE_TLS):
        return "If the server speaks TLS, use https://."
    if is_loopback(url) and any(word in message for word in _REFUSED):
        return "Is `make run` running?"
    return ""


def hint_on_response(response: Response, tokens: AccessTokens) -> str:
    """Return a line on a response that is an error; empty without a hint.

    Args:
        response: 4xx or 5xx.
        tokens: Where its token came from.
    """
    challenge = response.headers.get("www-authenticate")
    if response.status_code == _FORBIDDEN and (match := _SCOPE.search(challenge)):
        return _hint_on_scope(match[1].split(), tokens)
    if response.status_code == _UNAUTHORIZED:
        return tokens.hint
    if response.status_code == _BAD_REQUEST and any(w in response.content for w in _OF_TLS):
        return "The server speaks TLS: use https://."
    return ""


def hint_on_source(
    error: ClientError, *, is_issuer: bool, relative: bool, describe: Callable[[str], str]
) -> str:
    """Return which setting an address came from that did not work; empty without one.

    Args:
        error: The error.
        is_issuer: Whether the issuer was requested rather than the API.
        relative: Whether the URL is below ``API_URL``.
        describe: Returns a setting's value, unless it is secret, and its source, in words.
    """
    names: tuple[str, ...] = ()
    if is_issuer and isinstance(error, NetworkError | IssuerError):
        kinds = {"invalid_client": ("CLIENT_ID", "CLIENT_SECRET"), "invalid_scope": ("SCOPE",)}
        names = next((kinds[kind] for kind in kinds if kind in str(error)), ("ISSUER",))
    elif relative and (isinstance(error, NetworkError) or _is_another_server(error)):
        names = ("API_URL",)
    return f"{'; '.join(map(describe, names))}." if names else ""


def _is_another_server(error: ClientError) -> bool:
    """Return whether a path is unknown to a server that sends no problem documents."""
    return isinstance(error, ApiError) and error.status == _NOT_FOUND and not error.problem


def _hint_on_scope(needed: list[str], tokens: AccessTokens) -> str:
    requested = tokens.scope.split()
    missing = " ".join(scope for scope in needed if scope not in requested)
    if not missing:
        scopes = " ".join(needed)
        return f"It needs the scope {scopes}, which was requested, and the issuer did not grant."
    verb = "The token lacks" if requested else "It needs"
    return f"{verb} the scope {missing}: {tokens.hint_on_scope(missing)}"
