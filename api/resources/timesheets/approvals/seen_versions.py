"""The version of an entry that an approver has seen, from a body or from ``If-Match``.

A decision on a version that is not the stored one is rejected, so that nothing is approved that
nobody has seen. In ``If-Match`` it is a strong entity tag: ``"3"``, or ``"3.x"`` where what follows
the dot is the representation's and does not matter for writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Scope

from api.resources.timesheets.rules.entry_period import INVALID
from encore import ValidationErrors
from encore.errors import BadRequest
from encore.extensions import Field, InvalidValue

VERSION: Final = "version"
MAX_VERSION: Final = 2_147_483_647
VERSION_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_VERSION,
    "description": "The version of the entry that was seen",
}

_HEADER: Final = "If-Match"
_ANY: Final = "*"
_TAG: Final = r'"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS: Final = re.compile(rf"(?:[ \t]*,)*[ \t]*{_TAG}(?:[ \t]*,[ \t]*(?:{_TAG})?)*[ \t]*")
"""A list of strong entity tags (RFC 9110, sections 5.6.1 and 8.8.3)."""

_ROW_PART: Final = re.compile(r'"([^".]*)')
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class SeenVersion:
    """The version that an approver has seen.

    Attributes:
        number: The version; None if the entity tag names none, so that no entry has it.
        in_header: Whether ``If-Match`` names it, so that another version is 412 instead of 409.
    """

    number: int | None
    in_header: bool = False


def parse_if_match(scope: Scope) -> SeenVersion | None:
    """Return the version that ``If-Match`` names; None without the header, and for ``*``.

    Raises:
        BadRequest: The header is malformed, has a weak tag, or tags of several versions.
    """
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-match"]
    header = ", ".join(lines).strip(" \t")
    if not lines or header == _ANY:
        return None
    if not _TAGS.fullmatch(header):
        raise _bad_header('must be a strong entity tag such as "3"')
    parts = {_row_part(tag) for tag in re.findall(_TAG, header)}
    if len(parts) > 1:
        raise _bad_header("must name one version")
    (part,) = parts
    return SeenVersion(_parse_number(part), in_header=True)


def _parse_number(part: str) -> int | None:
    """Return the version that an entity tag names; None if no entry can have it."""
    number = int(part) if _NUMBER.fullmatch(part) else 0
    return number if 1 <= number <= MAX_VERSION else None


def _row_part(tag: str) -> str:
    match = _ROW_PART.match(tag)
    return "" if match is None else match[1]


def _bad_header(problem: str) -> BadRequest:
    message = f"{_HEADER} {problem}"
    return BadRequest(message, [{"field": _HEADER, "message": message}])


def parse_version(
    raw: object, field: Field, errors: ValidationErrors, name: str = VERSION
) -> int | None:
    """Return the version in a body; collect the error if it is none.

    Args:
        raw: The JSON value.
        field: The field of the version.
        errors: Collects the error.
        name: The path of the member, for the error.
    """
    if raw is None:
        errors.add(name, INVALID, "must be an integer, not null")
        return None
    try:
        number: int = field.codec.from_json(raw)
    except InvalidValue as error:
        errors.add(name, INVALID, str(error))
        return None
    if not 1 <= number <= MAX_VERSION:
        errors.add(name, INVALID, f"must be between 1 and {MAX_VERSION}, not {number}")
    return number


def parse_seen_version(
    body: Mapping[str, Any], scope: Scope, field: Field, errors: ValidationErrors
) -> SeenVersion | None:
    """Return the version that a request names; None if it names none.

    Args:
        body: The JSON object.
        scope: The request, for ``If-Match``.
        field: The field of the version.
        errors: Collects the errors of the body.

    Raises:
        BadRequest: ``If-Match`` is invalid.
    """
    in_header = parse_if_match(scope)
    if VERSION not in body:
        return in_header
    number = parse_version(body[VERSION], field, errors)
    if in_header is None:
        return SeenVersion(number)
    if number is not None and number != in_header.number:
        errors.add(VERSION, INVALID, f"must be the version of {_HEADER}, not {number}")
    return in_header
