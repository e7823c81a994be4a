"""The settings of an import: the client's, the URL to upload to, the external system's secrets."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from client.address import check_url
from client.errors import ConfigurationError
from client.settings import NAMES, ClientSettings, client_settings, read_values

DEFAULT_URL = "http://localhost:3000/timesheets/upload"
IMPORT_NAMES = (
    "IMPORT_URL",
    "IMPORT_SOURCE_TOKEN",
    "IMPORT_SOURCE_USER",
    "IMPORT_SOURCE_PASSWORD",
)


@dataclass(frozen=True, kw_only=True)
class SourceCredentials:
    """What proves us to the external system: a bearer token, or user and password, or nothing."""

    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def given(self) -> bool:
        """Whether there is a secret to be sent."""
        return bool(self.token or self.user)

    @property
    def headers(self) -> dict[str, str]:
        """The header that holds it (RFC 6750; RFC 7617 with UTF-8)."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user:
            pair = b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
            return {"Authorization": f"Basic {pair}"}
        return {}


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """What an import must know of its surroundings.

    Args:
        client: Where tokens come from; its scope is not asked for, but ``batch:upload``.
        url: What is uploaded to.
        credentials: For a source that is a URL.
    """

    client: ClientSettings
    url: str = DEFAULT_URL
    credentials: SourceCredentials = field(default_factory=SourceCredentials)


def load_import_settings(environment: Mapping[str, str], directory: str) -> ImportSettings:
    """Read the settings.

    Args:
        environment: The process environment.
        directory: Where the files are, if there are any.

    Raises:
        ConfigurationError: One is missing or malformed, or a file cannot be read.
    """
    values = read_values(environment, directory, (*NAMES, *IMPORT_NAMES))
    url = values.get("IMPORT_URL") or DEFAULT_URL
    check_url(url, "IMPORT_URL", ConfigurationError)
    return ImportSettings(
        client=client_settings(values),
        url=url,
        credentials=_credentials(values),
    )


def _credentials(values: Mapping[str, str]) -> SourceCredentials:
    token, user, password = (values.get(name, "") for name in IMPORT_NAMES[1:])
    if token and (user or password):
        raise ConfigurationError(
            "IMPORT_SOURCE_TOKEN and IMPORT_SOURCE_USER are both set: the external system takes one"
            " or the other."
        )
    if bool(user) != bool(password):
        missing = "IMPORT_SOURCE_PASSWORD" if user else "IMPORT_SOURCE_USER"
        raise ConfigurationError(f"{missing} is not set: user and password go together.")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationError("IMPORT_SOURCE_TOKEN holds what no token does.")
    if ":" in user:
        raise ConfigurationError("IMPORT_SOURCE_USER must not contain a colon (RFC 7617).")
    return SourceCredentials(token=token, user=user, password=password)
