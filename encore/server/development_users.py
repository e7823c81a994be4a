"""DEVELOPMENT_USERS_FILE: who can log in at the development issuer.

The file is TOML, one table for each user, whose name is the subject of the tokens. The first is
preselected. Without ``scopes`` a user may allow every scope; ``claims`` are added to the tokens::

    [ada]
    description = "contractor"
    scopes = ["read:timesheets", "create:timesheets"]
    claims = { name = "Ada Lovelace", email = "ada@example.com" }
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from encore.errors import SettingsError, StartupError
from encore.issuer.users import DEFAULT_USERS, User, check_users
from encore.settings import read_toml
from encore.suggestions import most_similar

FILE: Final = "DEVELOPMENT_USERS_FILE"
DEFAULT_FILE: Final = Path("development_users.toml")
_TYPES: Final = {"description": str, "scopes": list, "claims": dict}
_TYPE_NAMES: Final = {str: "a string", list: "an array of strings", dict: "a table"}


def read_users(settings: Mapping[str, str]) -> Sequence[User]:
    """Return the users of the file; two with every scope if none is named and none is there.

    Args:
        settings: The settings by name.

    Raises:
        SettingsError: The file cannot be read, or a table is invalid.
    """
    named = settings.get(FILE, "").strip()
    if not named and not DEFAULT_FILE.exists():
        return DEFAULT_USERS
    tables = read_toml(FILE, Path(named) if named else DEFAULT_FILE)
    users = [_parse_user(name, table) for name, table in tables.items()]
    try:
        check_users(users, ())
    except StartupError as error:
        raise SettingsError(f"{FILE}: {error}") from error
    return users


def _parse_user(name: str, table: Any) -> User:
    if not isinstance(table, dict):
        raise SettingsError(f"{FILE}: {name} is outside of a table; begin with [{name}]")
    where = f"{FILE}: [{name}]"
    for key, value in table.items():
        if key not in _TYPES:
            similar = most_similar(key, tuple(_TYPES))
            hint = "" if similar is None else f"; did you mean {similar}?"
            raise SettingsError(f"{where} has an unknown key {key}{hint}")
        if not isinstance(value, _TYPES[key]):
            raise SettingsError(f"{where}: {key} must be {_TYPE_NAMES[_TYPES[key]]}")
    if not all(isinstance(scope, str) for scope in table.get("scopes", ())):
        raise SettingsError(f"{where}: scopes must be an array of strings")
    try:
        json.dumps(table.get("claims", {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: claims must be of JSON: no dates, no nan") from error
    return User(name=name, **table)
