"""Which entries an approver sees and decides on, if a file maps approvers to people.

The file is TOML: by the name of an approver (a user, or a client that calls for itself), the names
of the people whose entries are theirs. ``*`` means everyone, and ``partner:*`` everyone whose name
begins with ``partner:``. Names are compared exactly. Who is not in the file sees nothing::

    "grace" = ["ada", "bob"]
    "partner:lead" = ["partner:*"]
    "director" = ["*"]

An entry of another person does not exist for the approver. The history of a deleted entry belongs
to its last person; what was deleted before the history recorded persons is for ``*`` alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import aliased

from api.resources.timesheets.principal import principal_of
from api.resources.timesheets.rules.transitions import DELETED
from db.models.timesheet import Timesheet
from db.models.timesheet_change import TimesheetChange
from encore import Context
from encore.extensions import validate_name
from encore.settings import SettingsError, read_toml

FILE: Final = "APPROVERS_FILE"
_WILDCARD: Final = "*"
_MAX_NAMES: Final = 1_000
"""The most names of one approver: each is a parameter of a statement."""


@dataclass(frozen=True, slots=True)
class People:
    """The people of one approver.

    Attributes:
        names: Their names.
        prefixes: What the names of further people begin with; the empty string is everyone.
    """

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @property
    def is_everyone(self) -> bool:
        """Whether they are all people."""
        return "" in self.prefixes

    def __contains__(self, name: str) -> bool:
        return name in self.names or name.startswith(self.prefixes)

    def condition(self, column: Any) -> ColumnElement[bool]:
        """Return the SQL condition that a name is one of theirs."""
        begins = [func.substr(column, 1, len(prefix)) == prefix for prefix in self.prefixes]
        among = [column.in_(sorted(self.names))] if self.names else []
        return or_(false(), *among, *begins)


_NOBODY: Final = People()


class Approvers:
    """Restricts approvers to the entries of their people.

    Args:
        people: The people of each approver; None if they are all people of the approver's issuer,
            which are all people unless their names have a prefix.
    """

    def __init__(self, people: Mapping[str, People] | None) -> None:
        self._people = people

    def people_of(self, context: Context) -> People:
        """Return the people of the approver that makes a request. Raise ``Forbidden``."""
        principal = principal_of(context)
        if self._people is None:
            return People(prefixes=(principal.prefix,))
        return self._people.get(principal.name, _NOBODY)

    def restrict_entries(self, context: Context) -> None:
        """Restrict an action on entries to those of the approver's people; a hook."""
        people = self.people_of(context)
        if not people.is_everyone:
            context.criteria = people.condition(Timesheet.user_id)

    def restrict_history(self, context: Context) -> None:
        """Restrict an action on the history to entries of the approver's people; a hook."""
        people = self.people_of(context)
        if not people.is_everyone:
            context.criteria = _history_condition(people.condition)


def _history_condition(condition: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return the condition of changes whose entry, existing or deleted, meets a condition."""
    change, deletion = TimesheetChange, aliased(TimesheetChange)
    existing = select(Timesheet.id).where(
        Timesheet.id == change.timesheet_id, condition(Timesheet.user_id)
    )
    deleted = select(deletion.id).where(
        deletion.timesheet_id == change.timesheet_id,
        deletion.to_status == DELETED,
        condition(deletion.before["user_id"].as_string()),
    )
    return or_(existing.exists(), deleted.exists())


def read_approvers(path: Path | None) -> Approvers:
    """Return the approvers of the file.

    Args:
        path: The file; None if every approver sees all entries.

    Raises:
        SettingsError: The file cannot be read, or what it says of an approver is invalid.
    """
    if path is None:
        return Approvers(None)
    tables = read_toml(FILE, path)
    return Approvers({name: _parse_people(name, value) for name, value in tables.items()})


def _parse_people(approver: str, value: Any) -> People:
    """Return the people of an approver. Raise ``SettingsError``."""
    where = f"{FILE}: {approver}"
    _check_approver(approver)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SettingsError(f'{where} must be an array of names, such as ["ada", "bob"] or ["*"]')
    if len(value) > _MAX_NAMES:
        raise SettingsError(f"{where} has {len(value)} names; the most are {_MAX_NAMES}")
    _check_patterns(where, value)
    prefixes = (name.removesuffix(_WILDCARD) for name in value if name.endswith(_WILDCARD))
    names = frozenset(name for name in value if not name.endswith(_WILDCARD))
    return People(names, tuple(dict.fromkeys(prefixes)))


def _check_approver(name: str) -> None:
    """Raise ``SettingsError`` if no caller can have this name."""
    if not name.strip():
        raise SettingsError(f"{FILE}: the name of an approver must not be empty")
    if _WILDCARD in name:
        raise SettingsError(f"{FILE}: {name}: * must be in the names of people, not of an approver")
    message = validate_name(name)
    if message is not None:
        raise SettingsError(f"{FILE}: the name of the approver {name!a} {message}")


def _check_patterns(where: str, names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if not name.strip():
            raise SettingsError(f"{where}[{place}] must not be empty")
        if "\0" in name:
            raise SettingsError(f"{where}[{place}] must not contain a NUL character")
        if _WILDCARD in name[:-1]:
            raise SettingsError(f"{where}[{place}] {name!r}: * must be at the end")
        if name in names[:place]:
            raise SettingsError(f"{where}[{place}] {name!r} is named twice")
