"""Scopes that operators grant in SCOPE_GRANTS_FILE, for issuers whose tokens have none.

The file is TOML: by issuer, the scopes of users by their ``sub`` and of clients by their id::

    ["https://login.partner.example/".users]
    "ada" = ["read:timesheets", "create:timesheets"]

    ["https://login.partner.example/".clients]
    "importer" = ["batch:upload"]

Only a client that calls for itself has a client's scopes.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from encore.auth.trusted_issuer import Grants
from encore.errors import SettingsError
from encore.http.access import SCOPE
from encore.settings.toml_file import read_toml

FILE: Final = "SCOPE_GRANTS_FILE"
_KINDS: Final = ("users", "clients")


@dataclass(frozen=True, slots=True)
class ScopeGrants:
    """The scopes that the file grants principals of one issuer, by subject and by client id."""

    users: Grants = field(default_factory=dict)
    clients: Grants = field(default_factory=dict)


def read_scope_grants(path: Path | None, issuers: Collection[str]) -> Mapping[str, ScopeGrants]:
    """Return the grants of each issuer.

    Args:
        path: The file; None for no grants.
        issuers: The trusted issuers.

    Raises:
        SettingsError: The file cannot be read, an issuer is not trusted, or a scope is invalid.
    """
    if path is None:
        return {}
    grants = {}
    for issuer, table in read_toml(FILE, path).items():
        if issuer not in issuers:
            trusted = ", ".join(sorted(issuers))
            raise SettingsError(f"{FILE}: {issuer} is not a trusted issuer; trusted are {trusted}")
        if not isinstance(table, dict):
            raise SettingsError(f'{FILE}: {issuer} must be a table; begin with ["{issuer}".users]')
        if unknown := sorted(table.keys() - set(_KINDS)):
            kinds = " and ".join(_KINDS)
            raise SettingsError(f"{FILE}: [{issuer}] has {unknown[0]}; it may have {kinds}")
        values = {kind: dict(_grants(issuer, kind, table.get(kind, {}))) for kind in _KINDS}
        grants[issuer] = ScopeGrants(**values)
    return grants


def _grants(issuer: str, kind: str, table: Any) -> Iterator[tuple[str, frozenset[str]]]:
    where = f"{FILE}: [{issuer}.{kind}]"
    if not isinstance(table, dict):
        raise SettingsError(f"{where} must be a table")
    for name, scopes in table.items():
        if not isinstance(scopes, list) or not all(
            isinstance(scope, str) and SCOPE.fullmatch(scope) for scope in scopes
        ):
            raise SettingsError(f"{where} {name} must be an array of scopes")
        yield name, frozenset(scopes)
