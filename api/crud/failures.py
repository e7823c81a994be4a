"""From the database's refusals to the caller's."""

from collections.abc import Mapping
from typing import Final

from api.crud.fields import Field
from api.errors import ApiError, Conflict, ServiceUnavailable, ValidationFailed
from db import errors as db

_RETRY: Final = {"Retry-After": "1"}

# What each violated constraint is to the caller, and what its message says of the field.
_VIOLATIONS: Final[Mapping[type[db.IntegrityViolation], tuple[type[ApiError], str]]] = {
    db.UniqueViolation: (Conflict, "must be unique"),
    db.ForeignKeyViolation: (Conflict, "refers to no such row"),
    db.NotNullViolation: (ValidationFailed, "cannot be null"),
    db.CheckViolation: (ValidationFailed, "is not allowed"),
}


def refusal_of(error: db.DatabaseError, fields: Mapping[str, Field]) -> ApiError:
    """Say what the database refused, in terms of the resource's fields.

    The database's own text is not in it: that is for the log, as the error's cause.
    """
    match error:
        case db.IntegrityViolation():
            refusal, text = _VIOLATIONS[type(error)]
            names = [name for name in error.columns if name in fields]
            errors = [{"field": name, "message": f"{name} {text}"} for name in names]
            return refusal("Validation error", errors)
        case db.ValueRefused():
            return ValidationFailed("A value does not fit its column")
        case db.StatementTooSlow():
            return ServiceUnavailable("The database took too long; narrow the request down")
        case _:
            return ServiceUnavailable("The database cannot serve this now", headers=_RETRY)
