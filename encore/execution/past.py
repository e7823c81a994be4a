"""``?as_of=``: what makes an action read past rows.

Filters, orders, totals and embedded rows are those of the time. Conditions of hooks are judged on
the past rows as well, but what their statements read besides is the present.
"""

from dataclasses import replace
from datetime import UTC, datetime

from encore.errors import HistoryUnavailable
from encore.execution.context import Context
from encore.query import ListQuery
from encore.query.as_of import check_not_future
from encore.query.filters import OrderTerm, leaf_conditions
from encore.resource.histories import ResourceHistory
from encore.sql.past import PastReads
from encore.sql.past_statement import State, impossible
from encore.types import format_timestamp


def read_as_of(
    context: Context, query: ListQuery, as_of: datetime, *, one_row: bool = False
) -> None:
    """Have an action read the rows as they were.

    Args:
        context: The context of the action.
        query: The parsed query.
        as_of: The time.
        one_row: Whether the action reads one row, by its key.

    Raises:
        InvalidQuery: The time is in the future, or the query needs what is not recorded.
        HistoryUnavailable: The time is beyond the retention.
    """
    history = context.resource.history
    if history is None:
        raise impossible("there is no history")
    check_not_future(as_of)
    if history.retention is not None and as_of < (kept := datetime.now(UTC) - history.retention):
        message = f"The history is kept since {format_timestamp(kept)}"
        raise HistoryUnavailable(message)
    _check_recorded(query, history)
    if history.excluded:
        context.query = replace(query, shown=_recorded_members(context, query, history))
    table = history.recorded.table
    context.past = PastReads(State.AT_TIME, table, as_of, one_row=one_row)


def _check_recorded(query: ListQuery, history: ResourceHistory) -> None:
    """Raise ``InvalidQuery`` for filters, orders and ``fields`` that name what is not recorded."""
    key = query.statement_key
    leaves = [leaf for condition in key.conditions for leaf in leaf_conditions(condition)]
    fields = [getattr(leaf, "field", None) for leaf in leaves]
    fields += [term.field for term in key.order if isinstance(term, OrderTerm)]
    for field in fields:
        if field in history.excluded:
            raise impossible(f"{field.name} is not recorded")
    for field in history.excluded:
        if query.shown is not None and field.attribute in query.shown:
            raise impossible(f"{field.name} is not recorded: leave it out of fields")


def _recorded_members(
    context: Context, query: ListQuery, history: ResourceHistory
) -> frozenset[str]:
    """Return the members to show: those that are requested and recorded."""
    serializer = context.resource.serializer
    shown = query.shown
    if shown is None:
        fields = (field.attribute for field in serializer.shown.values())
        shown = frozenset((*fields, *serializer.children))
    return shown - {field.attribute for field in history.excluded}
