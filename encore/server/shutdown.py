"""The phases in which the server stops: not ready, draining, ended.

Shared by granian's supervisor and its worker, which is forked from it. On SIGTERM the supervisor
sets a phase in shared memory, which the worker's ``/readyz`` reads; for ``DRAIN_DELAY_SECONDS`` the
worker continues to serve, so that load balancers notice and stop sending requests; then granian
drains. SIGINT (Ctrl-C) ends or skips the delay.

Signals to the process group reach the worker as well. It reacts to its supervisor's only: Ctrl-C or
a SIGTERM to the group would cut the delay short. Granian's worker also cannot take several signals:
where uvloop reports one twice, as it may, the third blocks its event loop for good.
"""

import mmap
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Final

from granian.server.mp import MPServer

_SERVING: Final = 0
_ENDING: Final = 1
_STOPPING: Final = 2


class Shutdown:
    """The phase of stopping, shared by all processes forked from this one."""

    def __init__(self) -> None:
        self._phase = mmap.mmap(-1, 1)

    @property
    def begun(self) -> bool:
        """Whether the server is about to stop."""
        return self._phase[0] != _SERVING

    @property
    def stopping(self) -> bool:
        """Whether the worker is to drain and end now."""
        return self._phase[0] == _STOPPING

    def begin(self) -> None:
        """Let ``/readyz`` answer 503 from now on."""
        self._phase[0] = max(self._phase[0], _ENDING)

    def stop(self) -> None:
        """Let the worker end on its next SIGTERM, from any process."""
        self._phase[0] = _STOPPING


class Supervisor(MPServer):
    """Granian's supervisor, which continues to serve for a delay after SIGTERM.

    Args:
        target: As granian's.
        shutdown: Shared with the worker.
        delay: How long to continue to serve, in seconds.
        options: Granian's.
    """

    def __init__(self, target: str, *, shutdown: Shutdown, delay: float, **options: Any) -> None:
        super().__init__(target, **options)
        self._shutdown = shutdown
        self._delay = delay
        self._timer: threading.Timer | None = None

    def signal_handler_interrupt(self, number: int, _: FrameType | None) -> None:
        """Handle SIGTERM and SIGINT; a second SIGTERM changes nothing."""
        self._shutdown.begin()
        if number != signal.SIGTERM or not self._delay:
            self._stop()
        elif self._timer is None:
            self._timer = threading.Timer(self._delay, self._stop)
            self._timer.daemon = True
            self._timer.start()

    def _stop(self) -> None:
        self._shutdown.stop()
        self.interrupt_signal = True
        self.main_loop_interrupt.set()


class WorkerSignals:
    """Signals to the worker: SIGTERM is delivered only if the supervisor sent it.

    Must be created first, in the worker's main thread. Signals are pending until ``deliver``.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._supervisor = os.getppid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        if sys.platform == "linux":  # Elsewhere nothing tells who sent a signal.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def deliver(self) -> None:
        """Deliver a pending SIGTERM of the supervisor; discard one of another process."""
        if sys.platform != "linux":
            return
        received = signal.sigtimedwait({signal.SIGTERM}, 0)
        if received is None:
            return
        # One from elsewhere may have come first and hidden the supervisor's.
        if received.si_pid == self._supervisor or self._shutdown.stopping:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
