"""TRUSTED_ISSUERS_FILE: the issuers that are trusted beside ISSUER and AUTH0_DOMAIN.

The file is TOML, one table for each issuer; its name is only shown to operators::

    [partner]
    issuer = "https://login.partner.example/"
    audience = "api://parts"              # or several: ["api://parts", "api://timesheets"]
    user_prefix = "partner:"              # how its users are named, see below
    algorithms = ["RS256", "ES256"]       # the rest may be left out
    scope_claims = ["scope", "permissions"]
    clock_skew_seconds = 5
    jwks_uri = "https://login.partner.example/keys"
    min_rsa_exponent = 65537

Its users are named by ``user_prefix``, by ``strip_prefix``, or by the table ``users``, which maps
subjects to names; ``clients`` maps client ids.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from encore.auth.principals import ClientMark, Naming
from encore.auth.trusted_issuer import TrustedIssuer
from encore.errors import SettingsError
from encore.settings.toml_file import read_toml
from encore.suggestions import most_similar

FILE: Final = "TRUSTED_ISSUERS_FILE"
_TYPES: Final[dict[str, Any]] = {
    "issuer": str,
    "audience": (str, list),
    "algorithms": list,
    "scope_claims": list,
    "clock_skew_seconds": (int, float),
    "jwks_uri": str,
    "min_rsa_exponent": int,
    "client_ids": list,
    "required_claims": dict,
    "client_mark": str,
    "token_profile": str,
    "max_token_age_seconds": int,
    "user_claim": str,
    "user_prefix": str,
    "strip_prefix": str,
    "users": dict,
    "clients": dict,
}
_NAMING: Final = {
    "user_claim": "user_claim",
    "user_prefix": "prefix",
    "strip_prefix": "strip_prefix",
    "users": "users",
    "clients": "clients",
}
"""Keys of a table by attributes of ``Naming``."""

_ATTRIBUTES: Final = {"token_profile": "profile", "max_token_age_seconds": "max_age_seconds"}
"""Keys of a table whose attributes of ``TrustedIssuer`` have other names."""

_NAMING_TABLES: Final = ("users", "clients")

NamedIssuer = tuple[str, TrustedIssuer, bool]
"""The setting that names an issuer, the issuer, and whether it says how its users are named."""


def read_issuers_file(path: Path) -> Iterator[NamedIssuer]:
    """Yield the issuers of the file.

    Raises:
        SettingsError: It cannot be read, or a table is invalid.
    """
    for name, table in read_toml(FILE, path).items():
        where = f"{FILE}: [{name}]"
        _check_table(where, name, table)
        names_users = "user_prefix" in table or table.get("strip_prefix") or "users" in table
        yield where, _of_table(where, table), bool(names_users)


def build_issuer(where: str, **attributes: Any) -> TrustedIssuer:
    """Return an issuer with these attributes. Raise ``SettingsError``."""
    try:
        return TrustedIssuer(**attributes)
    except (TypeError, ValueError) as error:  # An item that is no string cannot be hashed.
        raise SettingsError(f"{where}: {error}") from error


def build_naming(where: str, **attributes: Any) -> Naming:
    """Return how users are named. Raise ``SettingsError``."""
    try:
        return Naming(**attributes)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error


def parse_mark(text: str) -> ClientMark | None:
    """Return what marks the tokens of clients; None for an empty string. Raise ``ValueError``."""
    return ClientMark.parse(text) if text else None


def _check_table(where: str, name: str, table: Any) -> None:
    """Check the keys of a table and the types of their values. Raise ``SettingsError``."""
    if not isinstance(table, dict):
        raise SettingsError(f"{FILE}: {name} is outside of a table; begin with [{name}]")
    for key, value in table.items():
        if key not in _TYPES:
            similar = most_similar(key, tuple(_TYPES))
            hint = "" if similar is None else f"; did you mean {similar}?"
            raise SettingsError(f"{where} has an unknown key {key}{hint}")
        if isinstance(value, bool) or not isinstance(value, _TYPES[key]):
            raise SettingsError(f"{where} {key} has the wrong type")
        if key in _NAMING_TABLES and not value:
            # Nobody would be mapped, and everybody have the same name as at the first issuer.
            raise SettingsError(f"{where} {key} must not be empty")
    for key in ("issuer", "audience"):
        if key not in table and not (key == "audience" and table.get("client_ids")):
            raise SettingsError(f"{where} lacks {key}")


def _of_table(where: str, table: Mapping[str, Any]) -> TrustedIssuer:
    naming = {name: table[key] for key, name in _NAMING.items() if key in table}
    values: dict[str, Any] = {"audience": ()}
    for key in table.keys() - _NAMING.keys():
        value = table[key]
        values[_ATTRIBUTES.get(key, key)] = tuple(value) if isinstance(value, list) else value
    if "client_mark" in values:
        try:
            values["client_mark"] = parse_mark(values["client_mark"])
        except ValueError as error:
            raise SettingsError(f"{where} client_mark {error}") from error
    return build_issuer(where, naming=build_naming(where, **naming), **values)
