"""The parameters and preferences of a bulk write."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.types import Scope

from encore.errors import BadRequest
from encore.query.parameter_errors import invalid_parameter
from encore.query.write_parameters import DRY_RUN

MAX_AFFECTED: Final = "max_affected"
DEFAULT_MAX_AFFECTED: Final = 100
"""How many rows a filter may match unless the request raises it."""

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


def reject_conditions(scope: Scope) -> None:
    """Raise ``BadRequest`` for a precondition: it would have to name one version of many rows."""
    for name, _ in scope["headers"]:
        if name in _CONDITIONAL:
            shown = name.decode().title()
            raise BadRequest(f"{shown} is not supported where many rows are written: omit it")
