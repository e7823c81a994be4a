"""The query parameters of writes: ``dry_run``.

They are taken out of the query string before the rest of it is parsed. On a route that also has
filters they are parameters, as ``sort`` and ``count`` are in a list: a column with such a name is
compared by ``dry_run__eq=true``.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from encore.http.short_input_cache import cache_short_inputs
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import parse_pairs

DRY_RUN: Final = "dry_run"

_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class WriteParameters:
    """The parameters of one write.

    Attributes:
        dry_run: Whether everything is rolled back at the end.
    """

    dry_run: bool = False


NO_WRITE_PARAMETERS: Final = WriteParameters()


def parse_write_parameters(query_string: bytes, names: tuple[str, ...]) -> WriteParameters:
    """Parse the parameters of a write; other parameters are skipped.

    Args:
        query_string: The query string.
        names: The names of the parameters that the operation has.

    Raises:
        InvalidQuery: A parameter is given twice, or its value is invalid.
    """
    if not query_string or not names:
        return NO_WRITE_PARAMETERS
    return _parse(query_string, names)


@cache_short_inputs(64)
def _parse(query_string: bytes, names: tuple[str, ...]) -> WriteParameters:
    found: dict[str, str] = {}
    for name, text in parse_pairs(query_string):
        if name not in names:
            continue
        if name in found:
            raise invalid_parameter(name, "must be given once")
        found[name] = text
    flag = found.get(DRY_RUN, "false")
    if flag not in _FLAGS:
        raise invalid_parameter(DRY_RUN, "must be true or false")
    return WriteParameters(dry_run=_FLAGS[flag])


def asks_for_dry_run(query_string: bytes) -> bool:
    """Return whether a query may ask for a dry run, even if it turns out to be invalid."""
    if not query_string:
        return False
    pairs = (segment.partition("=") for segment in query_string.decode("latin-1").split("&"))
    return any(unquote_plus(n) == DRY_RUN and unquote_plus(text) != "false" for n, _, text in pairs)
