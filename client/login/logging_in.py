"""One login: find the endpoints, let the person log in, keep the tokens, say what is true now."""

import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from client.environment import Environment
from client.errors import StateError
from client.login.browser import has_browser, open_browser
from client.login.device import DeviceCode, log_in_by_device
from client.login.flow import Granted, LoginRequest
from client.login.loopback import log_in_by_browser
from client.login.metadata import Metadata, fetch_metadata
from client.tokens.choosing import CREDENTIAL_NAMES
from client.tokens.decoding import describe_distance
from client.tokens.environment_token import NAME as TOKEN
from client.tokens.logins import Login, login_cache, save_login
from client.tokens.private_files import UnsafeFileError, find_directory
from encore.client.errors import ConfigurationError, UnexpectedResponseError
from encore.client.transport import Transport
from encore.client.urls import is_loopback

CLIENT_ID: Final = "LOGIN_CLIENT_ID"
DEVELOPMENT_CLIENT: Final = "client"
"""The public client that the development issuer has for this command."""


class LoginOptions(NamedTuple):
    """The options of the command."""

    browser: bool
    device: bool
    scope: str | None
    client_id: str | None
    insecure: bool


def log_in(environment: Environment, options: LoginOptions, values: Mapping[str, str]) -> None:
    """Log a person in, and keep the tokens.

    Args:
        environment: Messages are written to its stderr.
        options: The options of the command.
        values: The settings.

    Raises:
        StateError: The login cannot be kept.
        ClientError: There is no login; see ``encore.client.errors``.
    """
    issuer = values["ISSUER"]
    scope = values.get("SCOPE", "") if options.scope is None else options.scope
    with Transport() as transport:
        metadata = fetch_metadata(issuer, transport, insecure=options.insecure)
        request = LoginRequest(
            metadata,
            _find_client_id(options, values),
            " ".join(scope.split()),
            # As with client credentials, only issuers of Auth0's shape have the parameter.
            values.get("AUDIENCE", "") if issuer.endswith("/") else "",
        )
        granted = _ask(environment, options, request, transport)
    login = Login(
        issuer=issuer,
        client_id=request.client_id,
        requested=request.scope,
        scope=granted.scope,
        audience=request.audience,
        token_url=metadata.token_url,
        revocation_url=metadata.revocation_url,
        person=granted.person,
    )
    _keep(environment, login, granted)
    _report(environment, login, granted)


def _ask(
    environment: Environment, options: LoginOptions, request: LoginRequest, transport: Transport
) -> Granted:
    """Let the person log in, by the flow that was chosen or that suits this machine."""
    echo, metadata = environment.echo_err, request.metadata
    sees_pages = has_browser(environment.variables)

    def show_code(code: DeviceCode) -> None:
        echo(f"Open {code.url} on any device, and type the code {code.user_code}.")
        if code.complete_url:
            echo(f"Or open {code.complete_url} and compare the code.")

    def open_url(url: str) -> None:
        echo(f"Open this address to log in:\n{url}")
        if sees_pages and not open_browser(url):
            echo("No browser could be started.")

    if _uses_device(options, metadata, sees_pages=sees_pages):
        return log_in_by_device(request, transport, show_code)
    return log_in_by_browser(request, transport, open_url)


def _uses_device(options: LoginOptions, metadata: Metadata, *, sees_pages: bool) -> bool:
    """Return whether the device flow is used. Raise if the issuer lacks the chosen flow."""
    can_browse, can_device = bool(metadata.authorization_url), bool(metadata.device_url)
    if options.device and not can_device:
        raise UnexpectedResponseError("ISSUER does not offer the device flow: try --browser.")
    if options.device or (can_device and not options.browser and not (sees_pages and can_browse)):
        return True
    if not can_browse:
        raise UnexpectedResponseError(
            "ISSUER does not offer the authorization code flow with PKCE (S256)."
        )
    return False


def _find_client_id(options: LoginOptions, values: Mapping[str, str]) -> str:
    chosen = options.client_id or values.get(CLIENT_ID, "")
    if not chosen and not is_loopback(values["ISSUER"]):
        raise ConfigurationError(
            f"{CLIENT_ID} is not set: the id of a public (native) client of ISSUER whose redirect"
            " URI is http://127.0.0.1/callback, with any port."
        )
    return chosen or DEVELOPMENT_CLIENT


def _keep(environment: Environment, login: Login, granted: Granted) -> None:
    directory = find_directory(environment.variables)
    try:
        save_login(directory, login)
    except (UnsafeFileError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateError(
            f"{login.person} has logged in, but that cannot be kept in"
            f" {directory or '~/.local/state'}: {reason}."
        ) from error
    login_cache(directory, environment.echo_err).save(login.key, granted.token)


def _report(environment: Environment, login: Login, granted: Granted) -> None:
    echo, token = environment.echo_err, granted.token
    ends = describe_distance(token.expires_at - time.time())
    lasts = "renewed until the issuer ends it" if token.refresh_token else f"ends {ends}"
    scope = login.scope or "none"
    echo(f"Logged in at {login.issuer} as {login.person}, {lasts}; scopes: {scope}.")
    missing = [scope for scope in login.requested.split() if scope not in login.scope.split()]
    if missing:
        echo(f"Not granted: {' '.join(missing)}.")
    for name in (TOKEN, *CREDENTIAL_NAMES):
        if environment.variables.get(name):
            echo(f"{name} is in the environment, and overrides the login until it is unset.")
            break
