"""The errors of bulk writes: too many rows, and the row that was rejected."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from encore.errors import ApiError, Conflict, FieldError


class TooManyRows(Conflict):
    """409: a filter matches more rows than the request may write; nothing is changed.

    Args:
        matched: How many rows it matches.
        limit: How many may be written.
    """

    def __init__(self, matched: int, limit: int) -> None:
        self._matched = matched
        message = f"The filter matches {matched} rows, more than max_affected ({limit})"
        super().__init__(
            f"{message}: nothing is changed",
            [{"field": "max_affected", "message": f"max_affected must be at least {matched}"}],
        )

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the problem document, with the number of rows as ``matched``."""
        return {**super().problem(instance, request_id), "matched": self._matched}


class _OfRow(ApiError):
    """An error of one row: its status and type are those of the error that rejected the row."""

    members: dict[str, Any]

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the problem document, with the members of the whole request."""
        return {**super().problem(instance, request_id), **self.members}


def error_of_row(cause: ApiError, message: str, label: str) -> ApiError:
    """Return the error of a bulk write for the error of one row, with the same status and type.

    Args:
        cause: The error of the row.
        message: The message of the whole request.
        label: Names the row in the message of each field: ``id 3``.
    """
    errors = [
        item if isinstance(item, str) else {**item, "message": f"{label}: {item['message']}"}
        for item in cause.errors
    ]
    return error_of_rows(cause, message, errors, {})


def error_of_rows(
    cause: ApiError,
    message: str,
    errors: Sequence[FieldError | str],
    members: dict[str, Any],
) -> ApiError:
    """Return the error of a bulk write, with the status and type of its first row's error.

    Args:
        cause: The error of the first row that was rejected.
        message: The message of the whole request.
        errors: The errors of its rows' fields.
        members: Further members of the problem document.
    """
    type_: Any = type(cause)  # mypy: a class with class variables is not hashable to it.
    class_ = _class_of_row(type_)
    error: _OfRow = class_.__new__(class_)
    vars(error).update(vars(cause))
    ApiError.__init__(error, message, errors, headers=cause.headers, reason=cause.reason)
    error.members = members
    error.__cause__ = cause
    return error


@cache
def _class_of_row(type_: Any) -> type[_OfRow]:
    return type(type_.__name__, (_OfRow, type_), {})
