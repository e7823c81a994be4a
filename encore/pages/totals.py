"""The total of a list: exact, estimated, or unknown.

PostgreSQL's estimate is its planner's, from the statistics of ANALYZE. SQLite's planner has none:
there the estimate is the range of ids of a whole table with an autoincrement key. An estimate
includes rows that the caller may not see, so a list that is narrowed by a hook's criteria or by
row security is counted, as are lists without an estimate.
"""

from encore.database.expressions.explain import planned_rows
from encore.database.protocol import Connection
from encore.http.prefer_header import ESTIMATED, EXACT, NONE
from encore.pages.page import PagedQuery

Total = tuple[int | None, str]
"""How many rows there are, or None; and how they were counted (``preferences``)."""


async def count_total(
    connection: Connection,
    paged_query: PagedQuery,
    counting: str,
    at_least: int,
    *,
    may_estimate: bool,
) -> Total:
    """Return how many rows a list has.

    Args:
        connection: The connection to fetch with.
        paged_query: The query of the list.
        counting: ``exact``, ``estimated`` or ``none``.
        at_least: The lower bound of an estimate: how many rows are known to exist.
        may_estimate: Whether the caller may see all rows that match the query.
    """
    if counting == NONE:
        return None, NONE
    if counting == ESTIMATED and may_estimate:
        estimate = await _estimate(connection, paged_query)
        if estimate is not None:
            return max(estimate, at_least), ESTIMATED
    statement = paged_query.statements.count(paged_query.conditions, keep=paged_query.reusable)
    return await connection.fetch_count(statement, paged_query.values), EXACT


async def _estimate(connection: Connection, paged_query: PagedQuery) -> int | None:
    """Return the estimate of how many rows a list has; None if there is none."""
    statements = paged_query.statements
    policy = statements.policy()
    if policy is not None:
        row = await connection.fetch_one(policy, ())
        if row is None or row[0]:
            return None
    statement = statements.estimate(paged_query.conditions, keep=paged_query.reusable)
    if statement is None:
        return None
    row = await connection.fetch_one(statement, paged_query.values)
    if row is None or row[0] is None:
        return None
    return planned_rows(row) if policy is not None else int(row[0])
