"""Authorization requests: each parameter is carried out, refused, or a wish without effect.

RFC 6749 section 4.1.1, RFC 7636, RFC 8707, OpenID Connect Core section 3.1.2.1. Unknown parameters
are ignored, as RFC 6749 section 3.1 demands. ``display``, ``ui_locales``, ``claims_locales`` and
``acr_values`` are wishes that OpenID Connect lets a server ignore, and are. Whatever else would
change who is asked, or what a token says, is refused.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from encore.issuer.authorization.errors import AuthorizationError
from encore.issuer.clients import is_registered
from encore.issuer.consent import AccessRequest
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.pages.errors import PageError
from encore.issuer.parameters import has_control_character
from encore.issuer.requested_access import parse_access
from encore.issuer.tokens import TokenProfile

CODE: Final = "code"
QUERY: Final = "query"
S256: Final = "S256"
PROMPTS: Final = ("none", "login", "consent", "select_account")
MAX_CHARACTERS: Final = 4096
"""Maximum length of ``state`` and ``nonce``, which are returned."""

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_REFUSED: Final = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
    "claims": "invalid_request",
    "id_token_hint": "invalid_request",
    "authorization_details": "invalid_request",
    "dpop_jkt": "invalid_request",
}
"""Error codes of parameters that are not supported."""


@dataclass(frozen=True)
class ClientRedirect:
    """A client that may be answered: its id and redirect URI belong together.

    Args:
        client_id: The client.
        redirect_uri: As requested.
        state: To be returned unchanged; None if it has none that can be returned.
    """

    client_id: str
    redirect_uri: str
    state: str | None


@dataclass(frozen=True)
class AuthorizationRequest:
    """A valid authorization request.

    Args:
        redirect: Where the response goes.
        access: What the user is asked.
        challenge: The S256 code challenge.
        nonce: For the ID token.
    """

    redirect: ClientRedirect
    access: AccessRequest
    challenge: str
    nonce: str | None


class AuthorizationRequestParser:
    """Validates authorization requests.

    Args:
        settings: For the clients and scopes.
        profile: The vendor's defaults for scopes and audience.
    """

    def __init__(self, settings: IssuerSettings, profile: TokenProfile) -> None:
        self._settings = settings
        self._profile = profile

    def parse_redirect(self, pairs: Sequence[tuple[str, str]]) -> ClientRedirect:
        """Return where the response to a request may go.

        Raises:
            PageError: The client or the redirect URI is missing, repeated or unknown.
        """
        for name in ("client_id", "redirect_uri"):
            if sum(n == name for n, _ in pairs) != 1:
                raise PageError(f"The parameter {name} must be sent once.")
        parameters = dict(pairs)
        registered = self._settings.redirect_uris_of(parameters["client_id"])
        if registered is None:
            raise PageError("The client_id is not registered at this issuer.")
        if not is_registered(parameters["redirect_uri"], registered):
            raise PageError("The redirect_uri is not registered for this client.")
        states = [value for name, value in pairs if name == "state" and value]
        state = states[0] if len(states) == 1 and _is_returnable(states[0]) else None
        return ClientRedirect(parameters["client_id"], parameters["redirect_uri"], state)

    def parse(
        self, pairs: Sequence[tuple[str, str]], redirect: ClientRedirect
    ) -> AuthorizationRequest:
        """Return a valid request.

        Raises:
            AuthorizationError: To be sent to the client.
        """
        parameters = _unique(pairs)
        for name, code in _REFUSED.items():
            if name in parameters:
                raise AuthorizationError(code, f"The parameter {name} is not supported.")
        _check_response(parameters)
        _check_prompt(parameters)
        challenge = _parse_challenge(parameters)
        nonce = parameters.get("nonce")
        if nonce is not None and not _is_returnable(nonce):
            raise _invalid(f"The nonce must have at most {MAX_CHARACTERS} characters.")
        try:
            access = parse_access(self._settings, self._profile, redirect.client_id, parameters)
        except OAuthError as error:
            raise AuthorizationError(error.code, error.description) from error
        access = replace(access, target=redirect.redirect_uri)
        return AuthorizationRequest(redirect, access, challenge, nonce)


def _unique(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return the parameters that have a value. Raise ``AuthorizationError``."""
    pairs = list(pairs)
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1 and name == "resource":
            raise AuthorizationError("invalid_target", "A token is for one resource only.")
        if count > 1:
            raise _invalid("A parameter was sent more than once.")
    if any(has_control_character(value) for _, value in pairs):
        raise _invalid("A parameter contains a control character.")
    parameters = {name: value for name, value in pairs if value}
    if not _is_returnable(parameters.get("state", "")):
        raise _invalid(f"The state must have at most {MAX_CHARACTERS} characters.")
    return parameters


def _check_response(parameters: Mapping[str, str]) -> None:
    if "response_type" not in parameters:
        raise _invalid("The response_type parameter is required.")
    if parameters["response_type"] != CODE:
        raise AuthorizationError("unsupported_response_type", f"The response_type must be {CODE}.")
    if parameters.get("response_mode", QUERY) != QUERY:
        raise _invalid(f"The response_mode must be {QUERY}.")


def _check_prompt(parameters: Mapping[str, str]) -> None:
    """Check ``prompt`` and ``max_age``: users are asked each time, so most of it is fulfilled."""
    prompts = parameters.get("prompt", "").split()
    if any(prompt not in PROMPTS for prompt in prompts):
        raise _invalid(f"The prompt must be of {', '.join(PROMPTS)}.")
    if "none" in prompts:
        if len(prompts) > 1:
            raise _invalid("The prompt none must be the only one.")
        raise AuthorizationError("login_required", "Users are asked for each authorization.")
    max_age = parameters.get("max_age", "0")
    if not (max_age.isascii() and max_age.isdigit()):
        raise _invalid("The max_age must be a number of seconds.")


def _parse_challenge(parameters: Mapping[str, str]) -> str:
    challenge = parameters.get("code_challenge")
    if challenge is None:
        raise _invalid("The code_challenge parameter is required (PKCE, RFC 7636).")
    if parameters.get("code_challenge_method") != S256:
        raise _invalid(f"The code_challenge_method must be {S256}.")
    if not _CHALLENGE.fullmatch(challenge):
        raise _invalid("The code_challenge must be 43 characters of base64url.")
    return challenge


def _is_returnable(value: str) -> bool:
    return len(value) <= MAX_CHARACTERS and not has_control_character(value)


def _invalid(description: str) -> AuthorizationError:
    return AuthorizationError("invalid_request", description)
