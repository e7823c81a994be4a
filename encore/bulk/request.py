"""The parameters and preferences of a bulk write."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.types import Scope

from encore.errors import BadRequest, MalformedBody
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.query.parser import parse_pairs
from encore.query.write_parameters import DRY_RUN
from encore.uploads.parameters import PARAMETERS

MAX_AFFECTED: Final = "max_affected"
DEFAULT_MAX_AFFECTED: Final = 100
"""How many rows a filter may match unless the request raises it."""

MODE: Final = "mode"
REPORT: Final = "report"
FILTER_PARAMETERS: Final = (MAX_AFFECTED, DRY_RUN)
"""The parameters of a bulk write by filter, besides those that choose rows."""

_MAX_DIGITS: Final = 18
_CONDITIONAL: Final = (
    b"if-match",
    b"if-none-match",
    b"if-modified-since",
    b"if-unmodified-since",
    b"if-range",
)

Parameters = Mapping[str, Sequence[str]]
"""The texts of parameters, by name."""


def parse_max_affected(parameters: Parameters, most: int) -> int:
    """Return how many rows the filter may match.

    Args:
        parameters: The parameters of the request.
        most: The resource's limit.

    Raises:
        InvalidQuery: It is not an integer from 1 to the limit.
    """
    texts = parameters.get(MAX_AFFECTED)
    if texts is None:
        return min(DEFAULT_MAX_AFFECTED, most)
    if len(texts) > 1:
        raise invalid_parameter(MAX_AFFECTED, "must be given once")
    text = texts[0]
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not is_number or not 1 <= int(text) <= most:
        raise invalid_parameter(MAX_AFFECTED, f"must be an integer from 1 to {most}")
    return int(text)


def parse_array_parameters(
    query_string: bytes, names: Sequence[str], others: Sequence[str]
) -> dict[str, str]:
    """Return the parameters of a bulk write of an array: the values of ``mode`` and ``report``.

    Args:
        query_string: As in the URL, percent-encoded.
        names: The parameters that the operation has.
        others: Its parameters that are parsed elsewhere: those of every write.

    Raises:
        InvalidQuery: A parameter is unknown or a duplicate, or its value is invalid.
    """
    found: dict[str, str] = {}
    for name, text in parse_pairs(query_string):
        if name in others:
            continue
        if name not in names:
            raise unknown_parameter(name, (*names, *others))
        if name in found:
            raise invalid_parameter(name, "must be given once")
        if text not in PARAMETERS[name]:
            raise invalid_parameter(name, f"must be one of {', '.join(PARAMETERS[name])}")
        found[name] = text
    return {name: found.get(name, PARAMETERS[name][0]) for name in names}


def check_array(value: Any, limit: int) -> list[Any]:
    """Return a body that is an array of at most so many rows.

    Raises:
        MalformedBody: It is not an array.
        BadRequest: It has too many rows.
    """
    if not isinstance(value, list):
        raise MalformedBody("The body must be a JSON array of objects")
    if len(value) > limit:
        raise BadRequest(f"The array may have at most {limit} rows, and has {len(value)}")
    return value


def reject_conditions(scope: Scope) -> None:
    """Raise ``BadRequest`` for a precondition: it would have to name one version of many rows."""
    for name, _ in scope["headers"]:
        if name in _CONDITIONAL:
            shown = name.decode().title()
            raise BadRequest(f"{shown} is not supported where many rows are written: omit it")
