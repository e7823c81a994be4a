"""What a query in a dialect selects, and the ``ListQuery`` that it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from encore.errors import BadRequest
from encore.query.filters import ListQuery, Pagination, StatementKey
from encore.query.page_parameters import MAX_OFFSET
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import QueryParser
from encore.query.value_parsing import ParsedCondition
from encore.suggestions import SHOWN

_NO_DIGEST: Final = b""
"""Lists in a dialect have no cursors."""


@dataclass(frozen=True, slots=True)
class Window:
    """The rows of a page.

    Attributes:
        offset: How many rows come before the page.
        count: The size of the page; may be 0, to read the total alone.
        parameter: The parameter that selects it, for messages.
    """

    offset: int
    count: int
    parameter: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What a query in a dialect selects.

    Attributes:
        conditions: The conditions of the rows, with their values.
        order: The fields to sort by, each with ``-`` before it for descending; None for the
            resource's default.
        window: The page; None for all rows, as far as one page may have them.
        embed: The relations to embed; None for the resource's default.
    """

    conditions: tuple[ParsedCondition, ...] = ()
    order: tuple[str, ...] | None = None
    window: Window | None = None
    embed: frozenset[str] | None = None


def list_query(parser: QueryParser, selection: Selection) -> ListQuery:
    """Return the parsed query that a selection means.

    Raises:
        InvalidQuery: There are too many conditions or values.
    """
    conditions = tuple(condition for condition, _ in selection.conditions)
    values: tuple[Any, ...] = tuple(v for _, bound in selection.conditions for v in bound)
    parser.limits.check(conditions, values)
    window = selection.window
    style = None if window is None else window.parameter
    return ListQuery(
        StatementKey(conditions, parser.order(selection.order)),
        values,
        count=parser.paging.max_count if window is None else window.count,
        offset=0 if window is None else window.offset,
        children=selection.embed,
        pagination=Pagination(_NO_DIGEST, None, style=style),
    )


def page_window(parser: QueryParser, parameter: str, offset: int, count: int) -> Window:
    """Return the rows of a page. Raises ``InvalidQuery`` if it is too large or too far."""
    most = parser.paging.max_count
    if count > most:
        raise invalid_parameter(parameter, f"selects more than {most} rows, the most of a page")
    if offset > MAX_OFFSET:
        raise invalid_parameter(parameter, f"begins beyond row {MAX_OFFSET}")
    return Window(offset, count, parameter)


def check_sortable(parser: QueryParser, names: Sequence[str]) -> None:
    """Raise ``BadRequest`` for fields that cannot be sorted by, with Finale's message."""
    if unknown := [name[:SHOWN] for name in names if name not in parser.sortable]:
        raise BadRequest("Sorting not allowed on given attributes", unknown)


def embedded(parser: QueryParser, parameter: str, names: Sequence[str]) -> frozenset[str]:
    """Return the relations to embed. Raises ``InvalidQuery`` for an unknown one."""
    relations = parser.lookup.relations
    for name in names:
        if name not in relations:
            known = ", ".join(relations)
            reason = f"may name {known}" if known else "is not possible: there are no relations"
            raise invalid_parameter(parameter, reason)
    return frozenset(names)
