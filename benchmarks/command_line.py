"""What all benchmark commands share: one-line errors, signals and exit statuses."""

import signal
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from tests.conformance.node import NodeError

_INTERRUPTED: Final = 130


class BenchmarkError(Exception):
    """A condition under which nothing can be measured; the message says what to do."""


def run_command(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its status: 1 for a BenchmarkError, 130 for Ctrl-C.

    SIGTERM and SIGHUP raise SystemExit, so that every ``finally`` runs and no server is left.
    """

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        status = main()
    except (BenchmarkError, NodeError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted", file=sys.stderr)
        status = _INTERRUPTED
    sys.exit(status)
