"""Natural keys: the system that an entry was imported from (``source``), and its id there.

Only clients that call for themselves write natural keys. A key belongs to the client that created
the entry: the same key of another client is another entry, so that nobody can claim or detect the
keys of an import. For persons both fields are read-only.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.resources.timesheets.rules.entry_period import INVALID, Attributes
from encore import Principal, ValidationErrors

NATURAL_KEY: Final = ("source", "external_id")
PREVIOUS_KEY: Final = {"external_id": "previous_external_id"}
"""The member of an uploaded row with the id that its entry may still have."""

OWNER: Final = "created_by"
"""The field that says whose key it is."""

MAX_SOURCE: Final = 100
"""The maximum length of ``timesheets.source``, in characters."""

_OF_CLIENTS: Final = "is read-only: only clients that call for themselves write it"
_OF_CREATOR: Final = "is read-only: only the client that created the entry writes it"


def check_new_key(
    entry: Attributes, principal: Principal, errors: ValidationErrors, *, lenient: bool
) -> None:
    """Validate the key of a new entry: a person's entry has none.

    Args:
        entry: The attributes; a person's key is removed, so that it has no further errors.
        principal: The principal of the request.
        errors: Collects the errors.
        lenient: Whether to ignore read-only fields (``Prefer: handling=lenient``).
    """
    if principal.user is None:
        return
    for name in NATURAL_KEY:
        if entry.pop(name, None) is not None and not lenient:
            errors.add(name, INVALID, _OF_CLIENTS)


def check_previous_key(key: Attributes, errors: ValidationErrors, *, lenient: bool) -> None:
    """Validate the previous key of a person's row: it has none.

    Args:
        key: The previous key; it is cleared.
        errors: Collects the errors.
        lenient: Whether to ignore read-only fields (``Prefer: handling=lenient``).
    """
    for name in key:
        if not lenient:
            errors.add(PREVIOUS_KEY[name], INVALID, _OF_CLIENTS)
    key.clear()


def check_changed_key(
    entry: Mapping[str, Any],
    change: Attributes,
    principal: Principal,
    errors: ValidationErrors,
    *,
    lenient: bool,
) -> None:
    """Validate the key in a change of an entry; the stored values are always valid.

    Args:
        entry: The stored entry.
        change: The attributes of the change; what must not change is removed.
        principal: The principal of the request.
        errors: Collects the errors.
        lenient: Whether to ignore read-only fields (``Prefer: handling=lenient``).
    """
    if principal.user is None and entry[OWNER] == principal.name:
        return
    message = _OF_CREATOR if principal.user is None else _OF_CLIENTS
    for name in NATURAL_KEY:
        if name in change and change.pop(name) != entry[name] and not lenient:
            errors.add(name, INVALID, message)


def set_default_source(entry: Attributes, principal: Principal, errors: ValidationErrors) -> None:
    """Set the source of an uploaded entry with an external id to the client's name."""
    if entry.get("external_id") is None or entry.get("source") is not None:
        return
    if len(principal.name) > MAX_SOURCE:
        message = f"is required with external_id: the client's name exceeds {MAX_SOURCE} characters"
        errors.add("source", INVALID, message)
    entry["source"] = principal.name
