"""A read-only connection whose statements end at a deadline, or when they are stopped."""

from math import inf
from pathlib import Path
from time import monotonic, thread_time
from typing import Final

from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.pragmas import connect
from encore.database.sqlite.text import fetch_all
from encore.database.sqlite.transaction_state import FAILURES
from encore.database.statement import Row, Statement, Values

_PATIENCE: Final = 5

STEPS: Final = 20_000
"""How many steps of SQLite's virtual machine there are between two looks at the clock, where the
event loop waits: it does some 50 of them a microsecond. Where a thread waits it may be more, since
each look takes the interpreter from the loop."""

HEAVY_S: Final = 0.001
"""From this much processor time on a statement is heavy, in seconds: it then takes turns."""

_LONG_TEXT: Final = 20
"""How much more often to look while matching patterns against long texts, where one step takes up
to a tenth of a millisecond."""


class TimedConnection:
    """One connection, used by one thread at a time.

    What counts is the thread's own processor time, or a machine that is busy with something else
    would stop statements that are quick.

    Args:
        path: The database file.
        seconds: How long a statement may take.
        steps: How many steps to run between two looks at the clock.
    """

    def __init__(self, path: Path, seconds: float, steps: int = STEPS) -> None:
        self._seconds = seconds
        self._usual_steps = steps
        self._begun, self._begun_cpu = inf, 0.0
        self._stopped = False
        self._statement: Statement | None = None
        self.driver = connect(path)
        self.driver.execute("PRAGMA query_only = ON")
        self._steps = 0
        self._look_every(steps)

    def _look_every(self, steps: int) -> None:
        if steps != self._steps:
            self._steps = steps
            self.driver.set_progress_handler(self._must_end, steps)

    def _must_end(self) -> int:
        if self._stopped:
            return True
        elapsed = monotonic() - self._begun
        if elapsed < HEAVY_S:
            return False
        worked = thread_time() - self._begun_cpu
        if worked > HEAVY_S and self._statement is not None:
            self._statement.is_heavy = True
        if elapsed < self._seconds:
            return False
        # Waiting for the disk takes no processor time, but holds up whoever waits all the same.
        return worked > self._seconds / 2 or elapsed > self._seconds * _PATIENCE

    def run(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement; return its rows. Raises ``DatabaseError``."""
        steps = self._usual_steps
        self._look_every(steps // _LONG_TEXT if statement.scans_long_text else steps)
        self._statement = statement
        self._begun, self._begun_cpu = monotonic(), thread_time()
        try:
            return fetch_all(self.driver, statement.sql, statement.bind(values))
        except FAILURES as error:
            raise translate(error) from error
        finally:
            self._begun = inf  # What else runs on the connection has no deadline.

    def start(self) -> None:
        """Allow statements again after ``stop``."""
        self._stopped = False

    def stop(self) -> None:
        """End the statement that runs, and those that come before ``start``; from any thread."""
        self._stopped = True
        self.driver.interrupt()  # Also within a step that takes long, such as counting.
