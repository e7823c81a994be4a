"""The parameter ``as_of``: the time of the rows, of resources that have a history."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from encore.query.parameter_errors import invalid_parameter
from encore.types import parse_datetime

AS_OF: Final = "as_of"
_TIMESTAMP: Final = re.compile(r".*[T ]\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)", re.IGNORECASE | re.ASCII)
"""A time with its offset: without one it would be another time for each reader."""


def parse_as_of(texts: Sequence[str]) -> datetime:
    """Parse the parameter.

    Raises:
        InvalidQuery: It is repeated, or not a date-time with an offset.
    """
    if len(texts) > 1:
        raise invalid_parameter(AS_OF, "must be given once")
    try:
        if not _TIMESTAMP.fullmatch(texts[0]):
            raise ValueError("no time or no offset")  # noqa: TRY301 - as for what does not parse
        return parse_datetime(texts[0])
    except ValueError as error:
        message = "must be an ISO 8601 date-time with an offset, such as 2026-01-31T12:00:00Z"
        raise invalid_parameter(AS_OF, message) from error


def check_not_future(as_of: datetime) -> None:
    """Raise ``InvalidQuery`` for a time that has not come yet."""
    if as_of > datetime.now(UTC):
        raise invalid_parameter(AS_OF, "must not be in the future")
