"""Settings of an import: the client's, the URL to upload to, the external system's credentials."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from client.settings import SETTING_NAMES, build_client_settings, read_settings
from client.tokens.environment_token import read_token
from encore.client.errors import ConfigurationError
from encore.client.settings import ClientSettings
from encore.client.urls import validate_url

if TYPE_CHECKING:
    import httpx

DEFAULT_URL: Final = "http://localhost:3000/timesheets/upload"
UPLOAD_SCOPE: Final = "batch:upload"
"""The scope of the upload of timesheets."""

IMPORT_NAMES: Final = (
    "IMPORT_URL",
    "IMPORT_SOURCE_TOKEN",
    "IMPORT_SOURCE_USER",
    "IMPORT_SOURCE_PASSWORD",
)


@dataclass(frozen=True, kw_only=True)
class SourceCredentials:
    """Credentials of the external system: a bearer token, or user and password, or none."""

    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_set(self) -> bool:
        """Whether there is a secret to send."""
        return bool(self.token or self.user)

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header (RFC 6750; RFC 7617 with UTF-8), if any."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user:
            pair = b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
            return {"Authorization": f"Basic {pair}"}
        return {}


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """The settings of an import.

    Args:
        client: Where tokens come from; its scope is ignored.
        url: The URL to upload to.
        credentials: For a source that is a URL.
        scope: The scopes that are requested instead.
        token: Sent instead of a token that is requested: ``TOKEN`` in the environment.
    """

    client: ClientSettings
    url: str = DEFAULT_URL
    credentials: SourceCredentials = field(default_factory=SourceCredentials)
    scope: str = UPLOAD_SCOPE
    token: str = field(default="", repr=False)

    def create_auth(self, scope: str, *, insecure: bool) -> "httpx.Auth":
        """Return how requests authenticate.

        An import is long: it requests a token of its own, and keeps none. It never uses the login
        of a person.

        Args:
            scope: The scopes to request.
            insecure: Whether secret and token may be sent over http to another machine.

        Raises:
            InsecureError: The issuer is http on another machine.
        """
        from encore.client.auth import (  # noqa: PLC0415 - start-up: httpx.
            BearerToken,
            ClientCredentials,
        )

        if self.token:
            return BearerToken(self.token, insecure=insecure)
        client = self.client._replace(scope=scope)
        return ClientCredentials.from_settings(client, insecure=insecure)


def load_import_settings(variables: Mapping[str, str], directory: str) -> ImportSettings:
    """Read and validate the settings.

    Args:
        variables: The process's environment variables.
        directory: Where the files are, if there are any.

    Raises:
        ConfigurationError: A setting is missing or malformed, or a file cannot be read.
    """
    values = read_settings(variables, directory, (*SETTING_NAMES, *IMPORT_NAMES))
    url = values.get("IMPORT_URL") or DEFAULT_URL
    validate_url(url, "IMPORT_URL", ConfigurationError)
    token = read_token(variables)
    return ImportSettings(
        # With a token, no setting of the issuer is needed.
        client=ClientSettings("", "", "") if token else build_client_settings(values),
        url=url,
        credentials=_build_credentials(values),
        token=token,
    )


def _build_credentials(values: Mapping[str, str]) -> SourceCredentials:
    token, user, password = (values.get(name, "") for name in IMPORT_NAMES[1:])
    if token and (user or password):
        raise ConfigurationError(
            "IMPORT_SOURCE_TOKEN and IMPORT_SOURCE_USER are both set: set only one of them."
        )
    if bool(user) != bool(password):
        missing = "IMPORT_SOURCE_PASSWORD" if user else "IMPORT_SOURCE_USER"
        raise ConfigurationError(f"{missing} is not set: user and password are set together.")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationError("IMPORT_SOURCE_TOKEN contains characters that tokens cannot have.")
    if ":" in user:
        raise ConfigurationError("IMPORT_SOURCE_USER must not contain a colon (RFC 7617).")
    return SourceCredentials(token=token, user=user, password=password)
