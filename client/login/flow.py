"""What both flows need: who asks for what, and the response to their token requests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from client.login.metadata import Metadata
from client.tokens.decoding import decode_token
from encore.client.errors import ClientError, IssuerError, UnexpectedResponseError
from encore.client.redaction import hide_secrets
from encore.client.responses import parse_body
from encore.client.token_cache import CachedToken
from encore.client.token_requests import parse_token_response
from encore.client.transport import Transport

if TYPE_CHECKING:
    import httpx

_MAX_NAME = 100
_SHORTEST_SECRET = 8
_NAMES = ("preferred_username", "email", "name", "sub")


class LoginRequest(NamedTuple):
    """A client that asks a person for access."""

    metadata: Metadata
    client_id: str
    scope: str
    """Scopes, separated by blanks; empty requests none."""
    audience: str
    """The parameter ``audience`` of Auth0; empty for none."""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that authorization requests of both flows have."""
        named = {"client_id": self.client_id, "scope": self.scope, "audience": self.audience}
        return {name: value for name, value in named.items() if value}


class Granted(NamedTuple):
    """What a person has granted."""

    token: CachedToken
    scope: str
    """The scopes that were granted, separated by blanks."""
    person: str
    """The name of the person, as the issuer says."""


def send_form(transport: Transport, url: str, form: Mapping[str, str]) -> "httpx.Response":
    """Send a form to the issuer and return the response. Raise ``NetworkError``."""
    return transport.send("POST", url, data=dict(form), headers={"Accept": "application/json"})


@contextmanager
def hidden(*secrets: str) -> Iterator[None]:
    """Raise errors without secrets of a login, which a response may repeat."""
    try:
        yield
    except ClientError as error:
        # Words of a message may have what is shorter.
        long = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        error.args = (hide_secrets(str(error), long),)
        raise


def parse_granted(response: "httpx.Response", request: LoginRequest, now: float) -> Granted:
    """Return what a token response grants.

    Args:
        response: Read completely.
        request: What was asked for.
        now: Seconds since 1970.

    Raises:
        IssuerError: The issuer returned no token.
        UnexpectedResponseError: The response is not a token response.
    """
    token = parse_token_response(response, now)
    members = parse_members(response)
    scope = members.get("scope")
    return Granted(
        token,
        scope if isinstance(scope, str) else request.scope,
        _find_name(members.get("id_token")) or _find_name(token.access_token) or "a person",
    )


def parse_members(response: "httpx.Response") -> dict[str, Any]:
    """Return the members of a JSON object; empty if the response is not one."""
    try:
        members = parse_body(response)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def refusal(members: Mapping[str, Any]) -> IssuerError:
    """Return the error of a response that refuses the login."""
    words = [str(members[name]) for name in ("error", "error_description") if members.get(name)]
    return IssuerError(f"ISSUER refused the login: {': '.join(words)[:500]}")


def _find_name(token: Any) -> str:
    """Return whom a token names, which came from the issuer directly; empty if it is opaque."""
    try:
        claims = decode_token(token)["claims"] if isinstance(token, str) else {}
    except UnexpectedResponseError:
        return ""
    names = (claims.get(name) for name in _NAMES)
    name = next((name for name in names if isinstance(name, str) and name), "")
    return name[:_MAX_NAME] if name.isprintable() else ""
