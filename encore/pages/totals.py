"""How many rows a list has: counted, estimated, or left open.

An estimate is what PostgreSQL's planner expects, by the statistics of ANALYZE. SQLite's planner
tells nothing: there it is the span of the ids of a whole table that numbers its rows. Neither
knows which rows a caller may see, so where a hook's criteria or a policy of PostgreSQL's narrow
them, the list is counted; so it is where nothing can be estimated.
"""

from encore.database.expressions.explain import planned_rows
from encore.database.protocol import Connection
from encore.http.prefer_header import ESTIMATED, EXACT, NONE
from encore.pages.page import PagedQuery

Total = tuple[int | None, str]
"""How many rows there are, and how that is known."""


async def count_total(
    connection: Connection, listing: PagedQuery, counting: str, at_least: int, *, may_estimate: bool
) -> Total:
    """Return how many rows a list has.

    Args:
        connection: The database's.
        listing: The list.
        counting: ``exact``, ``estimated`` or ``none``.
        at_least: How many there are for certain, which no estimate is below.
        may_estimate: Whether the caller may see all rows that the list's own conditions find.
    """
    if counting == NONE:
        return None, NONE
    if counting == ESTIMATED and may_estimate:
        estimate = await _estimate(connection, listing)
        if estimate is not None:
            return max(estimate, at_least), ESTIMATED
    statement = listing.statements.count(listing.conditions, keep=listing.reusable)
    return await connection.fetch_count(statement, listing.values), EXACT


async def _estimate(connection: Connection, listing: PagedQuery) -> int | None:
    """Return about how many rows a list has; None where that is not known."""
    statements = listing.statements
    policy = statements.policy()
    if policy is not None:
        row = await connection.fetch_one(policy, ())
        if row is None or row[0]:
            return None
    statement = statements.estimate(listing.conditions, keep=listing.reusable)
    if statement is None:
        return None
    row = await connection.fetch_one(statement, listing.values)
    if row is None or row[0] is None:
        return None
    return planned_rows(row) if policy is not None else int(row[0])
