"""The errors of decisions: why an entry cannot be decided on, for one entry and for several."""

from collections.abc import Mapping, Sequence
from typing import Final

from api.resources.timesheets.approvals.seen_versions import VERSION, SeenVersion
from encore.errors import (
    ApiError,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)

_BY_PRECEDENCE: Final[Sequence[type[ApiError]]] = (
    NotFound,
    Forbidden,
    PreconditionRequired,
    Conflict,
)
"""The type of the combined error if entries are rejected for several reasons."""


def not_found(id_: int) -> NotFound:
    """Return the error of an entry that does not exist."""
    return NotFound(f"There is no timesheet {id_}")


def own_entry(id_: int, name: str, principal: str) -> Forbidden:
    """Return the error of a principal that has to do with an entry.

    Args:
        id_: The entry's id.
        name: The recorded name that is, or may be, the principal's.
        principal: The principal's name.
    """
    message = f"Timesheet {id_} was worked, entered or changed by {name}"
    message += (
        ", who cannot decide on it"
        if name == principal
        else f"; {principal} may be the same person, and cannot decide on it"
    )
    return Forbidden(message, reason="own-timesheet")


def version_required(id_: int) -> PreconditionRequired:
    """Return the error of a decision that names no version."""
    message = f"A decision on timesheet {id_} must name the version that was seen"
    return PreconditionRequired(message, [{"field": VERSION, "message": message}])


def stale_version(id_: int, version: int, seen: SeenVersion, changes: str | None) -> ApiError:
    """Return the error of a decision on another version than the stored one.

    Args:
        id_: The entry's id.
        version: The stored version.
        seen: The version that the decision names.
        changes: What has changed since; None if that is unknown.
    """
    number = "that of If-Match" if seen.number is None else str(seen.number)
    message = f"Timesheet {id_} has version {version}, not {number}"
    if changes is not None:
        message += f": {changes}"
    type_ = PreconditionFailed if seen.in_header else Conflict
    return type_(message, [{"field": VERSION, "message": message}])


def combine(
    ids: Sequence[int], errors: Mapping[int, ApiError], member: str, status: str
) -> ApiError:
    """Return one error that lists the errors of several entries.

    Args:
        ids: The ids of all entries of the request, in its order.
        errors: The errors by id.
        member: The member of the body that has the entries.
        status: The status that the decision would set.
    """
    type_ = next(t for t in _BY_PRECEDENCE if any(isinstance(e, t) for e in errors.values()))
    return type_(
        f"{len(errors)} of {len(ids)} timesheets cannot be {status}; none was changed",
        [
            {"field": f"{member}[{place}]", "message": errors[id_].message}
            for place, id_ in enumerate(ids)
            if id_ in errors
        ],
    )
