"""The order in which the server stops: not ready, then draining, then gone.

Shared by granian's supervisor and its worker, which is forked from it. On SIGTERM the supervisor
says so in shared memory, where the worker's ``/readyz`` reads it; for ``DRAIN_DELAY_SECONDS`` the
worker serves on, so that load balancers see that and stop sending requests; then granian drains.
SIGINT (Ctrl-C) ends the delay or leaves it out.

A process group's signals reach the worker as well. It obeys its supervisor alone: Ctrl-C or a
SIGTERM to the group would cut the delay short. Granian's worker also cannot take several signals:
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
    """How far the server has come in stopping; seen by all processes forked from this one."""

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
        """Let the worker end on its next SIGTERM, whoever sends it."""
        self._phase[0] = _STOPPING


class Supervisor(MPServer):
    """Granian's supervisor, which serves on for a while after SIGTERM.

    Args:
        target: As granian's.
        shutdown: Shared with the worker.
        delay: How long to serve on, in seconds.
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


class Orders:
    """The worker's side: of all that is sent to it, it obeys its supervisor alone.

    To be made in the worker's main thread, first of all. Signals wait until ``look`` takes them.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._supervisor = os.getppid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        if sys.platform == "linux":  # Elsewhere nothing tells who sent a signal.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def look(self) -> None:
        """Take a SIGTERM that has come; pass on one that is the supervisor's."""
        if sys.platform != "linux":
            return
        received = signal.sigtimedwait({signal.SIGTERM}, 0)
        if received is None:
            return
        # One from elsewhere may have come first and hidden the supervisor's.
        if received.si_pid == self._supervisor or self._shutdown.stopping:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
