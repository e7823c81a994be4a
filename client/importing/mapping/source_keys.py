"""Validates the keys of a mapping file that describe requests: ``[headers]`` and paging."""

import re
from collections.abc import Mapping
from typing import Final

from client.importing.mapping.field_mapping import FieldMapping

NO_PAGING: Final = "none"
"""The value of ``next`` for a source that is one answer, whatever it says of others."""

VARIABLE: Final = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|)")
"""A dollar in the value of a header: ``$$``, ``$NAME``, or an error."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[!-~](?:[ -~\t]*[!-~])?")

_FORBIDDEN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("host", "content-length", "transfer-encoding", "trailer", "expect", "connection",
         "keep-alive", "proxy-connection", "te", "upgrade", "http2-settings"),
        "it belongs to the connection, which the client sets up",
    ),
    **dict.fromkeys(
        ("proxy-authorization", "proxy-authenticate"),
        "it would be sent to a proxy; its credentials are part of HTTPS_PROXY",
    ),
    "accept-encoding": "the client decodes what it asks for itself",
    "content-encoding": "the body is sent as it is",
    **dict.fromkeys(
        ("range", "if-range", "if-match", "if-none-match", "if-modified-since",
         "if-unmodified-since"),
        "the source would send a part, or nothing",
    ),
}  # fmt: skip
_OWN_SECRETS: Final = frozenset({"CLIENT_SECRET", "OKTA_OAUTH2_CLIENT_SECRET"})
"""Secrets between this client and its issuer, which no source may receive."""


def validate_headers(headers: Mapping[str, object]) -> None:
    """Validate ``[headers]`` of a mapping.

    Raises:
        ValueError: A name or value is invalid; the message names the header, not its value.
    """
    names: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise ValueError(f"[headers] {name!r} is not the name of a header")
        if lower in _FORBIDDEN:
            raise ValueError(f"[headers] {name} cannot be set: {_FORBIDDEN[lower]}")
        if lower in names:
            raise ValueError(f"[headers] {name} is set twice (case does not matter)")
        names.add(lower)
        if not isinstance(value, str):
            raise ValueError(  # noqa: TRY004 - reported like other invalid values.
                f"[headers] {name} must be a string"
            )
        validate_header_value(name, value)
        for dollar, variable in VARIABLE.findall(value):
            if not (dollar or variable):
                raise ValueError(
                    f"[headers] {name} has a $ that no variable's name follows: write $$ for a"
                    " dollar"
                )
            if variable in _OWN_SECRETS:
                raise ValueError(
                    f"[headers] {name} must not contain ${variable}: it is this client's secret,"
                    " for its issuer only"
                )


def validate_header_value(name: str, value: str) -> None:
    """Validate the value of a header.

    Raises:
        ValueError: It is invalid; the message does not contain it.
    """
    if not _VALUE.fullmatch(value):
        raise ValueError(
            f"[headers] {name} must be ASCII, without line ends, and neither empty nor with blanks"
            " at its ends"
        )


def validate_paging(mapping: FieldMapping) -> None:
    """Validate the keys of paging, which exclude each other.

    Raises:
        ValueError: A key has no effect beside another.
    """
    forms = [
        name for name in ("next", "page_parameter", "offset_parameter") if getattr(mapping, name)
    ]
    if len(forms) > 1:
        raise ValueError(f"{forms[0]} and {forms[1]} are both set: pages are found in one way")
    if mapping.next_parameter and mapping.next in {"", NO_PAGING}:
        raise ValueError("next_parameter needs next, the member of the answer that has the token")
    if mapping.offset_parameter and (mapping.day_columns or "*" in mapping.rows.split(".")):
        raise ValueError(
            "offset_parameter counts rows as the source does, which is not possible with"
            " day_columns or a * in rows"
        )
    parameter = mapping.next_parameter or mapping.page_parameter or mapping.offset_parameter
    if parameter and parameter == mapping.since_parameter:
        raise ValueError(f"since_parameter is the parameter of pages too: {parameter!r}")
