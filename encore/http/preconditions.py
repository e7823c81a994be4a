"""The preconditions of a request (RFC 9110, section 13): parsed once, judged by each operation.

Precedence is that of section 13.2.2: ``If-Match`` overrides ``If-Unmodified-Since``, and
``If-None-Match`` overrides ``If-Modified-Since``. ``If-Range`` and ``Range`` are ignored, as the
RFC requires of a server without ranges: every response is complete.

Invalid dates are ignored in requests that read, as the RFC requires. A write with an invalid date,
or whose target has no modification date, is rejected instead: it would overwrite what its
precondition was to protect.
"""

from typing import Final, NamedTuple

from starlette.types import Scope

from encore.errors import PreconditionFailed
from encore.http.entity_tags import (
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    EntityTags,
    header_name,
    malformed_header,
    parse_entity_tags,
    parse_http_date,
)

READING_METHODS: Final = ("GET", "HEAD")

_CONDITIONAL: Final = frozenset((IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE))


class Preconditions(NamedTuple):
    """The preconditions of one request; those that another one overrides are None.

    Attributes:
        if_match: The tags of ``If-Match``.
        if_none_match: The tags of ``If-None-Match``.
        unmodified_since: The date of ``If-Unmodified-Since``, in seconds since 1970.
        modified_since: The date of ``If-Modified-Since``, likewise.
    """

    if_match: EntityTags | None = None
    if_none_match: EntityTags | None = None
    unmodified_since: int | None = None
    modified_since: int | None = None


NO_PRECONDITIONS: Final = Preconditions()


def parse_preconditions(scope: Scope) -> Preconditions | None:
    """Return the preconditions of a request; None if it has none.

    Raises:
        BadRequest: A header is malformed, or does not apply to the method; ``errors`` names it.
    """
    for name, _ in scope["headers"]:
        if name in _CONDITIONAL:
            return _parse(scope)
    return None


def _parse(scope: Scope) -> Preconditions:
    reads = scope["method"] in READING_METHODS
    if_match = parse_entity_tags(scope, IF_MATCH)
    if_none_match = parse_entity_tags(scope, IF_NONE_MATCH)
    unmodified_since = None
    if if_match is None:
        unmodified_since = _parse_date(scope, IF_UNMODIFIED_SINCE, is_strict=not reads)
    if not reads and any(name == IF_MODIFIED_SINCE for name, _ in scope["headers"]):
        raise malformed_header(IF_MODIFIED_SINCE, "applies to GET and HEAD only")
    modified_since = None
    if if_none_match is None:
        modified_since = _parse_date(scope, IF_MODIFIED_SINCE, is_strict=False)
    return Preconditions(if_match, if_none_match, unmodified_since, modified_since)


def _parse_date(scope: Scope, name: bytes, *, is_strict: bool) -> int | None:
    """Return the date in a header; None if it is missing, or invalid and not ``is_strict``."""
    try:
        return parse_http_date(scope, name)
    except ValueError as error:
        if is_strict:
            raise malformed_header(name, "must be one HTTP date") from error
        return None


def judge_untagged(preconditions: Preconditions, *, reads: bool) -> bool:
    """Judge the preconditions of a request whose target has no entity tag and no date.

    ``If-Match: *`` is met: the target exists. A list of tags in ``If-None-Match`` is met by a
    request that reads.

    Args:
        preconditions: The preconditions.
        reads: Whether the method is GET or HEAD.

    Returns:
        Whether the response is 304, since ``If-None-Match: *`` is not met.

    Raises:
        PreconditionFailed: Another precondition is not met; names the header.
    """
    if_match, if_none_match = preconditions.if_match, preconditions.if_none_match
    if if_match is not None and not if_match.any:
        raise precondition_failed(IF_MATCH, "cannot be met: this target has no entity tag")
    if preconditions.unmodified_since is not None:
        raise precondition_failed(IF_UNMODIFIED_SINCE, "cannot be met: this target has no date")
    if if_none_match is not None and not reads:
        raise precondition_failed(IF_NONE_MATCH, "is not supported by this operation")
    return if_none_match is not None and if_none_match.any


def refuse_preconditions(scope: Scope) -> None:
    """Reject a write whose preconditions its operation does not compare.

    Raises:
        BadRequest: A header is malformed.
        PreconditionFailed: A precondition other than ``If-Match: *``.
    """
    preconditions = parse_preconditions(scope)
    if preconditions is not None:
        judge_untagged(preconditions, reads=False)


def precondition_failed(
    name: bytes, problem: str, headers: dict[str, str] | None = None
) -> PreconditionFailed:
    """Return the error of a precondition that is not met; its ``errors`` names the header."""
    message = f"{header_name(name)} {problem}"
    errors = [{"field": header_name(name), "message": message}]
    return PreconditionFailed(message, errors, headers=headers)
