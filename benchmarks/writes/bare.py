"""What the database alone takes: statements of this process, without the service.

A connection of SQLite syncs each commit by default (``synchronous=FULL``), as the service does.
"""

import time
from datetime import UTC, datetime

import sqlalchemy as sa

from benchmarks.writes.load import Cost
from benchmarks.writes.service import Plain
from benchmarks.writes.traffic import Target, next_number
from encore.database.engine import with_connection


def update_rows(target: Target, _seconds: float) -> Cost:
    """Update the rows that ``patch_rows`` updates, by one statement."""
    took = 0.0

    def update(connection: sa.Connection) -> None:
        nonlocal took
        values = {"name": f"Renamed {next_number()}", "updated_at": datetime.now(UTC)}
        statement = sa.update(Plain).where(Plain.id <= target.rows).values(values)
        started = time.perf_counter()
        result = connection.execute(statement)
        connection.commit()
        took = time.perf_counter() - started
        assert result.rowcount == target.rows

    with_connection(target.database_url, update)
    return Cost(target.rows, took, 0.0)
