"""Whose token a command sends.

1. ``TOKEN`` in the environment.
2. Client credentials, if ``CLIENT_ID`` or ``CLIENT_SECRET`` is in the environment.
3. The login of a person at ``ISSUER`` (``python -m client login``), which a line on stderr names.
4. Client credentials in ``.env.local`` and the other files.

What is stated for one command overrides what is stored for all. A login that has ended is an
error, not a reason to act as someone else.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from client.environment import Environment
from client.settings import SETTING_NAMES, build_client_settings, read_settings
from client.tokens.environment_token import NAME, read_token
from client.tokens.file_cache import FileTokenCache
from client.tokens.logins import Login, has_login_file, load_login, login_cache
from client.tokens.private_files import find_directory
from encore.client.errors import ConfigurationError
from encore.client.token_cache import CachedToken, TokenKey

if TYPE_CHECKING:
    from client.tokens.login_auth import LoginAuth
    from encore.client.auth import BearerToken, ClientCredentials
    from encore.client.settings import ClientSettings

CREDENTIAL_NAMES: Final = (
    "CLIENT_ID",
    "CLIENT_SECRET",
    "OKTA_OAUTH2_CLIENT_ID",
    "OKTA_OAUTH2_CLIENT_SECRET",
)


class EnvironmentToken(NamedTuple):
    """``TOKEN`` in the environment."""

    token: str

    def create_auth(self, *, insecure: bool = False) -> "BearerToken":
        """Return how requests authenticate."""
        from encore.client.auth import BearerToken  # noqa: PLC0415 - start-up: httpx.

        return BearerToken(self.token, insecure=insecure)

    def load_cached(self) -> str:
        """Return the token: it needs no request."""
        return self.token

    @property
    def secrets(self) -> list[str]:
        """What must not be shown, besides the tokens that are requested."""
        return [self.token]

    @property
    def scope(self) -> str:
        """The scopes of the token, separated by blanks; empty if unknown."""
        return ""

    def hint_on_scope(self, missing: str) -> str:
        """Return how to get a token with further scopes."""
        return f"set {NAME} in the environment to a token that has {missing}."

    @property
    def hint(self) -> str:
        """What to say if the API rejects the token."""
        return f"{NAME} in the environment was sent, which is never renewed: unset it, or renew it."


class PersonalToken(NamedTuple):
    """The token of a person's login."""

    login: Login
    cache: FileTokenCache

    def create_auth(self, *, insecure: bool = False) -> "LoginAuth":
        """Return how requests authenticate."""
        from client.tokens.login_auth import LoginAuth  # noqa: PLC0415 - start-up: httpx.

        return LoginAuth(self.login, self.cache, insecure=insecure)

    def load_cached(self) -> str:
        """Return the cached token if it need not be renewed; else an empty string."""
        return _usable(self.cache, self.login.key)

    @property
    def secrets(self) -> list[str]:
        """What must not be shown, besides the tokens that are requested."""
        return []

    @property
    def scope(self) -> str:
        """The scopes of the token, separated by blanks; empty if unknown."""
        return self.login.scope

    def hint_on_scope(self, missing: str) -> str:
        """Return how to get a token with further scopes."""
        scopes = f"{self.login.requested} {missing}".strip()
        return f"{self.login.person} gets it by python -m client login --scope '{scopes}'."

    @property
    def hint(self) -> str:
        """What to say if the API rejects the token."""
        return (
            f"The token of {self.login.person} was sent, who is logged in at {self.login.issuer}:"
            " python -m client login starts again, python -m client logout ends the login."
        )


class ClientToken(NamedTuple):
    """A token by client credentials."""

    settings: "ClientSettings"
    cache: FileTokenCache

    def create_auth(self, *, insecure: bool = False) -> "ClientCredentials":
        """Return how requests authenticate."""
        from encore.client.auth import ClientCredentials  # noqa: PLC0415 - start-up: httpx.

        return ClientCredentials.from_settings(self.settings, cache=self.cache, insecure=insecure)

    def load_cached(self) -> str:
        """Return the cached token if it need not be renewed; else an empty string."""
        settings = self.settings
        key = TokenKey(settings.issuer, settings.client_id, settings.scope, settings.audience)
        return _usable(self.cache, key)

    @property
    def secrets(self) -> list[str]:
        """What must not be shown, besides the tokens that are requested."""
        from encore.client.redaction import basic_credentials  # noqa: PLC0415 - start-up.

        id_, secret = self.settings.client_id, self.settings.client_secret
        return [secret, basic_credentials(id_, secret)]

    @property
    def scope(self) -> str:
        """The scopes of the token, separated by blanks; empty if unknown."""
        return self.settings.scope

    def hint_on_scope(self, missing: str) -> str:
        """Return how to get a token with further scopes."""
        return f"request it with SCOPE='{f'{self.scope} {missing}'.strip()}'."

    @property
    def hint(self) -> str:
        """What to say if the API rejects the token."""
        return (
            f"A new token of the client {self.settings.client_id} was rejected too: does the API"
            f" accept tokens of {self.settings.issuer}?"
        )


TokenChoice = EnvironmentToken | PersonalToken | ClientToken


def choose_token(environment: Environment) -> TokenChoice:
    """Return whose token a command sends; if it is a person's, say so on stderr.

    Raises:
        ConfigurationError: A setting is missing or malformed, or the environment asks for a scope
            that the login does not have.
    """
    variables, echo = environment.variables, environment.echo_err
    if token := read_token(variables):
        return EnvironmentToken(token)
    values = read_settings(variables, environment.directory, SETTING_NAMES)
    directory = find_directory(variables)
    if not any(variables.get(name) for name in CREDENTIAL_NAMES):
        issuer = values.get("ISSUER", "")
        login = load_login(directory, issuer)
        if login is None and has_login_file(directory, issuer):
            raise ConfigurationError(
                f"There is a login at {issuer}, but its file cannot be used: python -m client login"
                " starts a new one, python -m client logout returns to CLIENT_ID and CLIENT_SECRET."
            )
        if login is not None:
            _check_scope(login, variables)
            echo(f"Sent as {login.person}, logged in at {login.issuer}.")
            return PersonalToken(login, login_cache(directory, echo))
    return client_token(values, variables, echo)


def client_token(
    values: Mapping[str, str], variables: Mapping[str, str], echo: Callable[[str], None]
) -> ClientToken:
    """Return a token by client credentials.

    Args:
        values: The settings, as ``read_settings`` returns them.
        variables: The environment variables.
        echo: Receives a line if tokens cannot be kept.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    settings = build_client_settings(values)
    cache = FileTokenCache(find_directory(variables), settings.client_secret, echo=echo)
    return ClientToken(settings, cache)


def _check_scope(login: Login, variables: Mapping[str, str]) -> None:
    """Raise if this command asks for scopes that the login does not have."""
    missing = set(variables.get("SCOPE", "").split()) - set(login.scope.split())
    if missing:
        raise ConfigurationError(
            f"SCOPE in the environment asks for {' '.join(sorted(missing))}, which the login of"
            f" {login.person} does not have: python -m client login --scope asks for more, python"
            " -m client logout returns to CLIENT_ID and CLIENT_SECRET."
        )


def _usable(cache: FileTokenCache, key: TokenKey) -> str:

    token: CachedToken | None = cache.load(key)
    return "" if token is None or time.time() >= token.renew_at else token.access_token
