"""The query parameters of writes: ``dry_run``, ``on_conflict`` and ``on``.

They are taken out of the query string before the rest of it is parsed. On a route that also has
filters they are parameters, as ``sort`` and ``count`` are in a list: a column with such a name is
compared by ``dry_run__eq=true``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from encore.http.short_input_cache import cache_short_inputs
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import parse_pairs

DRY_RUN: Final = "dry_run"
ON_CONFLICT: Final = "on_conflict"
ON: Final = "on"
MERGE: Final = "merge"
IGNORE: Final = "ignore"

_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class WriteParameters:
    """The parameters of one write.

    Attributes:
        dry_run: Whether everything is rolled back at the end.
        on_conflict: What is done if the row is stored already: ``merge`` or ``ignore``; None for an
            error.
        on: The fields of the unique key by which the stored row is looked up; None if the request
            does not say.
    """

    dry_run: bool = False
    on_conflict: str | None = None
    on: tuple[str, ...] | None = None


NO_WRITE_PARAMETERS: Final = WriteParameters()


def parse_write_parameters(query_string: bytes, names: tuple[str, ...]) -> WriteParameters:
    """Parse the parameters of a write; other parameters are skipped.

    Args:
        query_string: The query string.
        names: The names of the parameters that the operation has.

    Raises:
        InvalidQuery: A parameter is given twice, its value is invalid, or the operation does not
            have it, although ignoring it would write something else.
    """
    if not query_string or not names:
        return NO_WRITE_PARAMETERS
    return _parse(query_string, names)


@cache_short_inputs(64)
def _parse(query_string: bytes, names: tuple[str, ...]) -> WriteParameters:
    found: dict[str, str] = {}
    for name, text in parse_pairs(query_string):
        if name == ON_CONFLICT and name not in names:
            raise invalid_parameter(name, "is not supported by this operation")
        if name not in names:
            continue
        if name in found:
            raise invalid_parameter(name, "must be given once")
        found[name] = text
    flag = found.get(DRY_RUN, "false")
    if flag not in _FLAGS:
        raise invalid_parameter(DRY_RUN, "must be true or false")
    return WriteParameters(_FLAGS[flag], *_parse_conflict(found))


def _parse_conflict(found: Mapping[str, str]) -> tuple[str | None, tuple[str, ...] | None]:
    """Return ``on_conflict`` and ``on``."""
    on_conflict, on = found.get(ON_CONFLICT), found.get(ON)
    if on_conflict is None:
        if on is not None:
            raise invalid_parameter(ON, f"has a meaning only with {ON_CONFLICT}")
        return None, None
    if on_conflict not in (MERGE, IGNORE):
        message = f"must be {MERGE} or {IGNORE}; {ON} names the fields of a unique key"
        raise invalid_parameter(ON_CONFLICT, message)
    return on_conflict, None if on is None else tuple(on.split(","))


def asks_for_dry_run(query_string: bytes) -> bool:
    """Return whether a query may ask for a dry run, even if it turns out to be invalid."""
    if not query_string:
        return False
    pairs = (segment.partition("=") for segment in query_string.decode("latin-1").split("&"))
    return any(unquote_plus(n) == DRY_RUN and unquote_plus(text) != "false" for n, _, text in pairs)


def without_write_parameters(query_string: bytes, names: tuple[str, ...]) -> bytes:
    """Return a query string without these parameters, as a GET of the row has it."""
    if not query_string:
        return b""
    segments = query_string.split(b"&")
    return b"&".join(
        segment
        for segment in segments
        if unquote_plus(segment.partition(b"=")[0].decode("latin-1")) not in names
    )
