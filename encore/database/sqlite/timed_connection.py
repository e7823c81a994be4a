"""A read-only connection whose statements end at a time limit, or when they are stopped."""

from math import inf
from pathlib import Path
from time import monotonic, thread_time
from typing import Final

from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.pragmas import connect
from encore.database.sqlite.text import fetch_all
from encore.database.sqlite.transaction_state import FAILURES
from encore.database.statement import Row, Statement, Values

_ELAPSED_FACTOR: Final = 5

STEPS: Final = 20_000
"""How many steps SQLite's virtual machine runs between two checks of the time limit on the event
loop: it runs about 50 a microsecond. In a thread it may be more, because each check takes the
interpreter from the loop."""

HEAVY_S: Final = 0.001
"""From this processor time on, in seconds, a statement is heavy: it must take turns."""

_LONG_TEXT_FACTOR: Final = 20
"""How much more often to check while matching patterns against long texts, where one step takes up
to a tenth of a millisecond."""


class TimedConnection:
    """A read connection, used by one thread at a time.

    The limit is processor time of the thread: on a busy machine, elapsed time would stop statements
    that are quick.

    Args:
        path: The database file.
        seconds: The time limit of a statement.
        steps: How many steps to run between two checks.
    """

    def __init__(self, path: Path, seconds: float, steps: int = STEPS) -> None:
        self._seconds = seconds
        self._usual_steps = steps
        self._started, self._started_cpu = inf, 0.0
        self._stopped = False
        self._statement: Statement | None = None
        self.driver = connect(path)
        self.driver.execute("PRAGMA query_only = ON")
        self._steps = 0
        self._check_every(steps)

    def _check_every(self, steps: int) -> None:
        if steps != self._steps:
            self._steps = steps
            self.driver.set_progress_handler(self._must_end, steps)

    def _must_end(self) -> int:
        if self._stopped:
            return True
        elapsed = monotonic() - self._started
        if elapsed < HEAVY_S:
            return False
        worked = thread_time() - self._started_cpu
        if worked > HEAVY_S and self._statement is not None:
            self._statement.is_heavy = True
        if elapsed < self._seconds:
            return False
        # Waiting for the disk takes no processor time, but others wait as well.
        return worked > self._seconds / 2 or elapsed > self._seconds * _ELAPSED_FACTOR

    def run(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement; return its rows. Raises ``DatabaseError``."""
        steps = self._usual_steps
        self._check_every(steps // _LONG_TEXT_FACTOR if statement.scans_long_text else steps)
        self._statement = statement
        self._started, self._started_cpu = monotonic(), thread_time()
        try:
            return fetch_all(self.driver, statement.sql, statement.bind(values))
        except FAILURES as error:
            raise translate(error) from error
        finally:
            self._started = inf  # Other statements on the connection have no limit.

    def start(self) -> None:
        """Allow statements after ``stop``."""
        self._stopped = False

    def stop(self) -> None:
        """End the running statement, and later ones until ``start``; from any thread."""
        self._stopped = True
        self.driver.interrupt()  # Also within a long step, such as counting.
