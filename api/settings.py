"""Settings: read once at start, from the process environment over ``.env.local`` over ``.env``.

Every setting is one field here, under its own name in lower case, and stands in the README.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from db.database import check_url
from db.environment import DEFAULT_DATABASE_URL, UnreadableSettings, read_environment

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
ENVIRONMENTS: Final = ("development", "production")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_DEFAULTS: Final = {
    "SERVER_HOST": "127.0.0.1",
    "SERVER_PORT": "3000",
    "DATABASE_URL": DEFAULT_DATABASE_URL,
    "AUDIENCE": "api://default",
    "SCOPE": "parts_manager",
    "ENVIRONMENT": "development",
    "LOG_LEVEL": "info",
    "BODY_LIMIT": "1048576",
}


class CannotStart(Exception):
    """A reason not to start, in one line for the person who starts it."""


class SettingsError(CannotStart):
    """A setting is missing or wrong; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service is told from outside.

    Attributes:
        server_host: The address to listen on.
        server_port: The port to listen on; 0 lets the system choose.
        database_url: ``sqlite:///file`` or ``postgresql://user:password@host/name``.
        issuer: Whose tokens are trusted: the exact ``iss``.
        audience: What tokens must be made for: their ``aud``.
        scope: What a token must hold, by default, for any operation.
        environment: ``development`` or ``production``.
        log_level: ``debug``, ``info``, ``warning`` or ``error``; requests are logged at info.
        body_limit: The largest request body, in bytes.
    """

    server_host: str
    server_port: int
    database_url: str
    issuer: str
    audience: str
    scope: str
    environment: str
    log_level: str
    body_limit: int

    @classmethod
    def load(
        cls, directory: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> "Settings":
        """Read the settings of a directory. Raises ``SettingsError``."""
        try:
            return cls.of(read_environment(directory, environ))
        except UnreadableSettings as error:
            raise SettingsError(str(error)) from error

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Settings":
        """Check values and make settings of them. Raises ``SettingsError``."""
        given = {**_DEFAULTS, **values}
        return cls(
            server_host=_required(given, "SERVER_HOST"),
            server_port=_whole(given, "SERVER_PORT", 65_535),
            database_url=_database_url(given),
            issuer=_issuer(given),
            audience=_required(given, "AUDIENCE"),
            scope=_required(given, "SCOPE"),
            environment=_one_of(given, "ENVIRONMENT", ENVIRONMENTS),
            log_level=_one_of(given, "LOG_LEVEL", LOG_LEVELS),
            body_limit=_whole(given, "BODY_LIMIT", 2**31),
        )


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name}: is missing; set it in the environment or in .env.local")
    return value


def _whole(given: Mapping[str, str], name: str, highest: int) -> int:
    text = _required(given, name)
    if not (text.isascii() and text.isdigit() and int(text) <= highest):
        raise SettingsError(f"{name}: must be a whole number from 0 to {highest}")
    return int(text)


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = _required(given, name).lower()
    if value not in choices:
        raise SettingsError(f"{name}: must be one of {', '.join(choices)}")
    return value


def _database_url(given: Mapping[str, str]) -> str:
    url = _required(given, "DATABASE_URL")
    try:
        check_url(url)
    except ValueError as error:
        raise SettingsError(f"DATABASE_URL: {error}") from error
    return url


def _issuer(given: Mapping[str, str]) -> str:
    issuer = _required(given, "ISSUER")
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
    except ValueError as error:
        raise SettingsError("ISSUER: is not a URL") from error
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise SettingsError("ISSUER: must be a URL such as https://example.okta.com/oauth2/default")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise SettingsError("ISSUER: must use https: over http anyone on the way could forge keys")
    return issuer
