"""The trusted issuers: ISSUER, AUTH0_DOMAIN and the tables of TRUSTED_ISSUERS_FILE, together.

The file is TOML, one table for each issuer; its name is only shown to operators::

    [partner]
    issuer = "https://login.partner.example/"
    audience = "api://parts"
    algorithms = ["RS256", "ES256"]       # the rest may be left out
    scope_claims = ["scope", "permissions"]
    clock_skew_seconds = 5
    jwks_uri = "https://login.partner.example/keys"
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from encore.auth.trusted_issuer import TrustedIssuer, is_loopback
from encore.errors import SettingsError
from encore.settings.settings import Settings
from encore.suggestions import most_similar

AUTH0_SCOPE_CLAIMS: Final = ("scope", "permissions")
"""``scope`` (RFC 9068), and the claim that Auth0's role-based access control adds."""

_FILE: Final = "TRUSTED_ISSUERS_FILE"
_TYPES: Final[dict[str, Any]] = {
    "issuer": str,
    "audience": str,
    "algorithms": list,
    "scope_claims": list,
    "clock_skew_seconds": (int, float),
    "jwks_uri": str,
}


def trusted_issuers(settings: Settings) -> tuple[TrustedIssuer, ...]:
    """Return all trusted issuers, ISSUER first.

    Raises:
        SettingsError: One is named twice, or its table is invalid.
    """
    found: dict[str, TrustedIssuer] = {}
    for name, trusted in _all(settings):
        if trusted.issuer in found:
            raise SettingsError(f"{name}: {trusted.issuer} is trusted twice; name it once")
        found[trusted.issuer] = trusted
    if not found:
        raise SettingsError(f"{_FILE}: names no issuer")
    return tuple(found.values())


def auth0_issuer(domain: str) -> str:
    """Return the issuer of a tenant's domain; on loopback it is the development issuer's."""
    scheme = "http" if is_loopback(urlsplit(f"//{domain}").hostname or "") else "https"
    return f"{scheme}://{domain}/"


def _all(settings: Settings) -> Iterator[tuple[str, TrustedIssuer]]:
    if settings.issuer:
        yield (
            "ISSUER",
            _checked(
                "ISSUER",
                issuer=settings.issuer,
                audience=settings.audience,
                algorithms=settings.token_algorithms,
                scope_claims=settings.scope_claims,
                clock_skew_seconds=settings.clock_skew_seconds,
            ),
        )
    if settings.auth0_domain:
        yield (
            "AUTH0_DOMAIN",
            _checked(
                "AUTH0_DOMAIN",
                issuer=auth0_issuer(settings.auth0_domain),
                audience=settings.auth0_audience,
                scope_claims=AUTH0_SCOPE_CLAIMS,
                clock_skew_seconds=settings.clock_skew_seconds,
            ),
        )
    if settings.trusted_issuers_file is not None:
        for name, table in _tables(settings.trusted_issuers_file).items():
            yield _FILE, _of_table(name, table)


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeError are ValueErrors.
        raise SettingsError(f"{_FILE}: {path} cannot be read: {error}") from error


def _of_table(name: str, table: Any) -> TrustedIssuer:
    if not isinstance(table, dict):
        raise SettingsError(f"{_FILE}: {name} is outside of a table; begin with [{name}]")
    for key, value in table.items():
        if key not in _TYPES:
            similar = most_similar(key, tuple(_TYPES))
            hint = "" if similar is None else f"; did you mean {similar}?"
            raise SettingsError(f"{_FILE}: [{name}] has an unknown key {key}{hint}")
        if isinstance(value, bool) or not isinstance(value, _TYPES[key]):
            raise SettingsError(f"{_FILE}: [{name}] {key} has the wrong type")
    for key in ("issuer", "audience"):
        if key not in table:
            raise SettingsError(f"{_FILE}: [{name}] lacks {key}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return _checked(f"{_FILE}: [{name}]", **values)


def _checked(where: str, **attributes: Any) -> TrustedIssuer:
    try:
        return TrustedIssuer(**attributes)
    except (TypeError, ValueError) as error:  # An item that is no string cannot be hashed.
        raise SettingsError(f"{where}: {error}") from error
