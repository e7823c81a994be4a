"""Ends logins: revokes their tokens (RFC 7009), and removes the files."""

import json
import os
from collections.abc import Iterator

from client.environment import Environment
from client.settings import read_settings
from client.tokens.file_cache import SUFFIX
from client.tokens.logins import Login, load_login, login_cache, remove_login
from client.tokens.private_files import (
    UnsafeFileError,
    find_directory,
    read_private_file,
    remove_file,
)
from encore.client.errors import ClientError, ConfigurationError, IssuerError
from encore.client.transport import Transport
from encore.client.urls import require_https

_OK = 200


def log_out(environment: Environment, *, every_issuer: bool, insecure: bool) -> None:
    """Remove the login and the cached tokens of an issuer, or of all; say what was removed.

    The files are removed even if the issuer cannot be told.

    Args:
        environment: Its settings name the issuer.
        every_issuer: Whether all are meant.
        insecure: Whether a token may be sent over http to another machine.

    Raises:
        ConfigurationError: ``ISSUER`` is not set.
        ClientError: The issuer did not revoke a login.
    """
    directory = find_directory(environment.variables)
    issuer = "" if every_issuer else _read_issuer(environment)
    failures: list[ClientError] = []
    removed = 0
    for path, found in list(_stored_issuers(directory)):
        if issuer not in {"", found}:
            continue
        login = load_login(directory, found)
        if login is not None:
            failures += _end(environment, directory, login, insecure=insecure)
        removed += remove_file(path)
    if issuer:  # A login whose file does not say so.
        removed += remove_login(directory, issuer)
    environment.echo_err(f"{removed} cached token{'' if removed == 1 else 's'} removed.")
    for failure in failures:
        raise failure


def _read_issuer(environment: Environment) -> str:
    settings = read_settings(environment.variables, environment.directory, ("ISSUER",))
    if not settings.get("ISSUER"):
        raise ConfigurationError("ISSUER is not set: python -m client logout --all removes all.")
    return settings["ISSUER"]


def _stored_issuers(directory: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each file with a token or login, and its issuer, empty if unreadable."""
    try:
        names = sorted(os.listdir(directory)) if directory else []
    except OSError:
        return
    for name in names:
        if name.endswith(SUFFIX):
            path = f"{directory}/{name}"
            yield path, _stored_issuer(path)


def _stored_issuer(path: str) -> str:
    """Return the issuer of a file; empty if it is unreadable."""
    try:
        issuer = json.loads(read_private_file(path) or b"{}")["issuer"]
    except (UnsafeFileError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return issuer if isinstance(issuer, str) else ""


def _end(
    environment: Environment, directory: str, login: Login, *, insecure: bool
) -> list[ClientError]:
    """Revoke the tokens of a login and remove it; return what failed."""
    cache = login_cache(directory, environment.echo_err)
    token = cache.load(login.key)
    remove_login(directory, login.issuer)
    cache.remove(login.key)
    environment.echo_err(f"{login.person} is logged out at {login.issuer}.")
    if token is None or not login.revocation_url:
        return []
    try:
        if not insecure:
            require_https(login.revocation_url, "token")
        _revoke(login, token.refresh_token or token.access_token)
    except ClientError as error:
        return [error]
    return []


def _revoke(login: Login, token: str) -> None:
    """Ask the issuer to revoke a token; a refresh token takes its access tokens with it."""
    with Transport() as transport:
        response = transport.send(
            "POST",
            login.revocation_url,
            data={"token": token, "client_id": login.client_id},
            headers={"Accept": "application/json"},
        )
    if response.status_code != _OK:
        raise IssuerError(
            f"{login.issuer} did not revoke the token ({response.status_code}); it may be accepted"
            " until it expires. It is no longer stored here."
        )
