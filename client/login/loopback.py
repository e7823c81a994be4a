"""Login by authorization code: the browser is sent back to a port of this machine (RFC 8252).

PKCE (RFC 7636) makes a stolen code useless, ``state`` belongs to one login, and ``iss`` names the
issuer that answers (RFC 9207). Responses without our state are not ours: they are answered 400, and
the login goes on waiting.
"""

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from client.login.callback_server import CallbackServer
from client.login.flow import Granted, LoginRequest, hidden, parse_granted, refusal, send_form
from encore.client.errors import IssuerError
from encore.client.transport import Transport

WAIT_SECONDS: Final = 300.0
"""How long a login may take; issuers' pages expire too."""


def log_in_by_browser(
    request: LoginRequest,
    transport: Transport,
    open_url: Callable[[str], None],
    wait_seconds: float = WAIT_SECONDS,
) -> Granted:
    """Let a person log in with a browser on this machine.

    Args:
        request: What is asked for.
        transport: Sends the token request.
        open_url: Shows the person the address to open.
        wait_seconds: How long to wait for the browser.

    Raises:
        IssuerError: The person refused, the issuer did, or nobody answered.
        ClientError: The issuer cannot be reached, or its response is malformed.
    """
    state, verifier = token_urlsafe(32), token_urlsafe(48)
    with CallbackServer(lambda query: _read_response(query, state)) as server:
        open_url(_authorization_url(request, server.url, state, verifier))
        response = server.wait(wait_seconds)
    if response is None:
        raise IssuerError(f"Nobody logged in within {wait_seconds / 60:.0f} minutes.")
    code = _check_response(response, request)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": server.url,
        "client_id": request.client_id,
        "code_verifier": verifier,
    }
    with hidden(code, verifier):
        token_response = send_form(transport, request.metadata.token_url, form)
        return parse_granted(token_response, request, time.time())


def _authorization_url(request: LoginRequest, redirect: str, state: str, verifier: str) -> str:
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = request.parameters | {
        "response_type": "code",
        "redirect_uri": redirect,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    url = request.metadata.authorization_url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"


def _read_response(query: str, state: str) -> Mapping[str, str] | None:
    """Return the parameters of an authorization response; None if it is not the one of a state."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        return None
    if not hmac.compare_digest(parameters.get("state", "").encode(), state.encode()):
        return None
    return parameters if {"code", "error"} & parameters.keys() else None


def _check_response(parameters: Mapping[str, str], request: LoginRequest) -> str:
    """Return the code of an authorization response. Raise ``IssuerError``."""
    expected, found = request.metadata.issuer, parameters.get("iss")
    if found != expected and (found is not None or request.metadata.sends_issuer):
        raise IssuerError("Another issuer than ISSUER answered the login; its code was not used.")
    if "error" in parameters:
        raise refusal(parameters)
    return parameters["code"]
