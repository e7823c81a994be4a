"""The request of an upload: its parameters and headers, read before its body is."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.types import Scope

from encore.errors import BadRequest, InvalidQuery, UnsupportedMediaType
from encore.http.media_types import get_content_type, parse_media_type
from encore.http.prefer_header import is_lenient
from encore.http.request_body import get_header
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.uploads.formats import FORMATS, JSON, Format

ATOMIC: Final = "atomic"
PARTIAL: Final = "partial"
ALL: Final = "all"
REJECTED: Final = "rejected"
PARAMETERS: Final = {
    "mode": (ATOMIC, PARTIAL),
    "dry_run": ("false", "true"),
    "report": (ALL, REJECTED),
}
"""Each query parameter and its values, the default first."""

_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_MAX_PARAMETERS: Final = 100


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the caller asks for.

    Attributes:
        format: The body's.
        atomic: Whether one rejected row refuses all.
        dry_run: Whether nothing is to be written.
        rejected_only: Whether the report leaves out rows that were not rejected.
        key: The idempotency key; None without one, and in a dry run.
        query: The query as it came.
        lenient: Whether members that are not written are passed over.
        root: The path that the application is mounted at, percent-encoded.
    """

    format: Format
    atomic: bool
    dry_run: bool
    rejected_only: bool
    key: str | None
    query: bytes
    lenient: bool
    root: bytes

    @classmethod
    def of(cls, scope: Scope) -> "UploadRequest":
        """Read query and headers.

        Raises:
            InvalidQuery: A parameter is unknown, given twice or has no value that there is.
            UnsupportedMediaType: The body is in no format that there is.
            BadRequest: The idempotency key is none.
        """
        query = scope["query_string"]
        given = _read_query(query)
        dry_run = given["dry_run"] == "true"
        key = _key(get_header(scope, b"idempotency-key"))
        return cls(
            format=_format(get_content_type(scope)),
            atomic=given["mode"] == ATOMIC,
            dry_run=dry_run,
            rejected_only=given["report"] == REJECTED,
            key=None if dry_run else key,
            query=query,
            lenient=is_lenient(scope),
            root=quote(scope.get("root_path", "")).encode(),
        )


def _read_query(query: bytes) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in _pairs(query):
        choices = PARAMETERS.get(name)
        if choices is None:
            raise unknown_parameter(name, PARAMETERS)
        if name in given:
            raise invalid_parameter(name, "may be given once")
        if value not in choices:
            raise invalid_parameter(name, f"must be one of {', '.join(choices)}")
        given[name] = value
    return {name: given.get(name, choices[0]) for name, choices in PARAMETERS.items()}


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_PARAMETERS,
            errors="strict",
        )
    except ValueError as error:
        raise InvalidQuery("The query cannot be read") from error


def _format(content_type: bytes | None) -> Format:
    if content_type is None:
        return JSON
    media_type = parse_media_type(content_type)
    if media_type is not None and media_type.is_utf8:
        # RFC 4180's parameter of text/csv: the names of the columns are needed.
        has_header = media_type.parameters.get("header", "present").lower() == "present"
        for one in FORMATS:
            if one.reads(media_type) and has_header:
                return one
    known = ", ".join(dict.fromkeys(one.media_type for one in FORMATS))
    raise UnsupportedMediaType(
        f"The body must be one of {known}, in UTF-8", headers={"Accept": known}
    )


def _key(value: bytes | None) -> str | None:
    if value is None:
        return None
    if not _KEY.fullmatch(value):
        raise BadRequest("Idempotency-Key must be 1 to 255 visible ASCII characters")
    return value.decode("ascii")
