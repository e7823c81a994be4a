"""Judging the preconditions of an action that writes one row (RFC 9110, section 13).

The row is locked in the transaction that writes it, then compared, so that no other writer comes
between. The order of errors is: 400 for a malformed header, 401, 403, 404, 428, 412, then those of
the body.
"""

from typing import Any, Final

from encore.database.statement import Row
from encore.errors import PreconditionRequired
from encore.execution.context import Context
from encore.execution.response_tags import ResponseTags
from encore.http.entity_tags import IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, header_name
from encore.http.preconditions import Preconditions, precondition_failed

_READ_AGAIN: Final = "; read the row again"


class RowPreconditions:
    """Judges the preconditions of requests that write a row.

    Args:
        tags: The tags of the resource's rows.
        required: Whether a request without ``If-Match`` is rejected (428).

    Attributes:
        required: As given.
    """

    def __init__(self, tags: ResponseTags, *, required: bool) -> None:
        self._tags = tags
        self.required = required

    def judge(self, context: Context, row: Row, preconditions: Preconditions) -> None:
        """Judge the preconditions against the locked row.

        Raises:
            PreconditionRequired: ``If-Match`` is required and missing.
            PreconditionFailed: A precondition is not met; has the row's current tag.
            ServiceUnavailable: The key of tags could not be loaded.
        """
        creates_only = preconditions.if_none_match is not None and preconditions.if_none_match.any
        if self.required and preconditions.if_match is None and not creates_only:
            raise precondition_required()
        if failed := self._find_failed(row, preconditions):
            name, problem = failed
            raise precondition_failed(name, problem, self._tags.current(context, row))

    def _find_failed(self, row: Row, preconditions: Preconditions) -> tuple[bytes, str] | None:
        """Return the header that is not met, and why; None if all are met."""
        if_match, if_none_match = preconditions.if_match, preconditions.if_none_match
        if if_match is not None and not if_match.any:
            version = self._tags.row_version(row)
            if not if_match.include_row(version):
                return IF_MATCH, f"names no current version of the row{_READ_AGAIN}"
        date = preconditions.unmodified_since
        if date is not None:
            modified = self._tags.modification_date.seconds(row)
            if modified is None:
                return IF_UNMODIFIED_SINCE, "cannot be met: the row has no modification date"
            if modified > date:
                return IF_UNMODIFIED_SINCE, f"is before the last change of the row{_READ_AGAIN}"
        if if_none_match is not None:
            if if_none_match.any:
                return IF_NONE_MATCH, "is *, but the row exists"
            version = self._tags.row_version(row)
            if any(tag.row_version == version for tag in if_none_match.tags):
                return IF_NONE_MATCH, "names the current version of the row"
        return None


def precondition_required() -> PreconditionRequired:
    """Return the error of a request that must name the version of the row, and does not."""
    name = header_name(IF_MATCH)
    message = f"{name} is required: it must be the ETag of the row that the change is based on"
    return PreconditionRequired(message, [{"field": name, "message": message}])


def row_selection(context: Context) -> tuple[Any, ...]:
    """Return what selects the row: if a hook changes it, the row must be judged again."""
    criteria = context.added_criteria
    return context.key_values, 0 if criteria is None else len(criteria.conditions)
