"""What ``ENVIRONMENT=production`` refuses, because it is safe on a developer's machine only.

Keys that are fetched over http, and an issuer that a committed file names, would let others decide
whose tokens are accepted; a database that is reached without TLS discloses rows and the password.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from encore.auth.trusted_issuer import is_loopback
from encore.database.transport import check_encryption

HTTPS_ONLY: Final = "must use https: production trusts nothing that is fetched over http"

_NAME_ISSUERS: Final = ("ISSUER", "AUTH0_DOMAIN", "TRUSTED_ISSUERS_FILE", "INTROSPECTION_URL")
"""Settings that decide whose tokens are accepted."""


class SecuritySettings(Protocol):
    """The settings on which production decides."""

    @property
    def issuer(self) -> str:
        """ISSUER."""
        ...

    @property
    def auth0_domain(self) -> str:
        """AUTH0_DOMAIN."""
        ...

    @property
    def introspection_url(self) -> str:
        """INTROSPECTION_URL."""
        ...

    @property
    def database_url(self) -> str:
        """DATABASE_URL."""
        ...

    @property
    def unencrypted_database(self) -> bool | None:
        """UNENCRYPTED_DATABASE."""
        ...


def is_https(url: str) -> bool:
    """Return whether a URL is fetched by TLS."""
    return urlsplit(url).scheme == "https"


def http_issuers(settings: SecuritySettings) -> Iterator[str]:
    """Yield a problem for each setting that names an issuer without https, on loopback too.

    ``trusted_issuers`` checks those of the file.
    """
    if settings.issuer and not is_https(settings.issuer):
        yield f"ISSUER: {HTTPS_ONLY}"
    if is_loopback(urlsplit(f"//{settings.auth0_domain}").hostname or ""):
        yield "AUTH0_DOMAIN: must not be this machine: production has no development issuer"
    if settings.introspection_url and not is_https(settings.introspection_url):
        yield f"INTROSPECTION_URL: {HTTPS_ONLY}"


def database_problems(settings: SecuritySettings, *, is_production: bool) -> Iterator[str]:
    """Yield a problem if data may cross a network to the database unencrypted."""
    try:
        check_encryption(
            settings.database_url,
            is_production=is_production,
            unencrypted=settings.unencrypted_database,
        )
    except ValueError as error:
        yield f"DATABASE_URL: {error}"


def committed_issuers(raw: Mapping[str, str], committed: Collection[str]) -> Iterator[str]:
    """Yield a problem for each setting that names an issuer in ``.env``, which is committed.

    Args:
        raw: All settings by name.
        committed: The names of those whose value is from ``.env``.
    """
    for name in _NAME_ISSUERS:
        if name in committed and raw.get(name, "").strip():
            yield (
                f"{name}: is from .env, which is committed; production needs it from the"
                " environment, .env.local or .okta.env (empty, if it is not used)"
            )
