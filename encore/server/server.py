"""Running a service: granian, one worker process under a supervisor.

One worker, because SQLite has one writer and this library groups its commits. The service is built
before the worker is forked: a mistake shows at once, in one line, and a worker that must be
replaced starts without importing anything again.
"""

import ctypes
import errno
import gc
import mmap
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from encore.errors import StartupError
from encore.http.application import Application
from encore.server.capacity import Capacity, raise_descriptor_limit
from encore.server.eviction import Address, Eviction
from encore.server.periodic import calling_periodically
from encore.server.shutdown import Shutdown, Supervisor, WorkerSignals
from encore.service import Service

_HEADER_BYTES: Final = 65_536
"""What a request's head may hold, up to twice that as it arrives; a token of 16 KB has room."""

_MILLISECONDS: Final = 1_000
_DRAIN_SECONDS: Final = 5
_PR_SET_PDEATHSIG: Final = 1
_shutdown: Final = Shutdown()

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def serve(service: Service, *, ready: Callable[[], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; requests in progress get a few seconds to end.

    Args:
        service: The service, not yet connected to anything.
        ready: Called once, in the worker, when the first one has connected to the database.

    Raises:
        StartupError: The address is taken or does not belong to this machine.
    """
    settings = service.settings
    check_address(settings.server_host, settings.server_port)
    capacity = Capacity.of(raise_descriptor_limit())
    service.is_draining = lambda: _shutdown.begun
    if ready is not None:
        _call_when_ready(service, ready)
    gc.collect()
    gc.freeze()  # What the worker inherits stays shared, untouched by its collector.
    Supervisor(
        f"{type(service).__module__}:{type(service).__name__}",
        shutdown=_shutdown,
        delay=settings.drain_delay_seconds,
        address=settings.server_host,
        port=settings.server_port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        backlog=capacity.backlog,
        backpressure=capacity.connections,
        workers=1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_DRAIN_SECONDS,
        http1_settings=HTTP1Settings(
            # One timer: for a connection's first byte, a request's head, and the next request.
            header_read_timeout=settings.keep_alive_seconds * _MILLISECONDS,
            max_buffer_size=_HEADER_BYTES,
        ),
        log_level=LogLevels.error,
    ).serve(target_loader=partial(_prepare_worker, service, capacity), wrap_loader=False)


def check_address(host: str, port: int) -> None:
    """Reject an address that cannot be listened on.

    Granian shares its sockets (SO_REUSEPORT) and so would not notice another server there.

    Raises:
        StartupError: It is taken, or not an address of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections of the run before, in TIME_WAIT, are not a server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartupError(
                f"SERVER_PORT: port {port} of {host} is taken; stop what listens there or set"
                " another port"
            ) from error
        raise StartupError(f"SERVER_HOST: cannot listen on {host}: {error.strerror}") from error


def _prepare_worker(service: Service, capacity: Capacity) -> Service:
    """Prepare granian's worker, which has inherited the service; return it."""
    end_with_parent()
    signals = WorkerSignals(_shutdown)
    eviction = Eviction(capacity.connections, partial(_callers, service))
    router = service.router
    router.lifespan_context = calling_periodically(
        router.lifespan_context, signals.deliver, eviction.check
    )
    return service


def _call_when_ready(service: Service, ready: Callable[[], None]) -> None:
    """Have ``ready`` called after the first start-up, not after that of a replaced worker."""
    done = mmap.mmap(-1, 1)  # Shared with the workers.
    inner: Lifespan = service.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with inner(app) as state:
            if not done[0]:
                done[0] = 1
                ready()
            yield state

    service.router.lifespan_context = lifespan


def _callers(app: Application) -> list[Address]:
    """Return the remote addresses of the connections whose requests are being handled."""
    return [scope["client"] for scope in list(app.in_progress.values()) if scope["client"]]


def end_with_parent() -> None:
    """Have the kernel end this process when its parent is killed, rather than orphan it.

    If the parent has ended before, which the kernel does not report, this process ends now.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and parent.pid != os.getppid():
            os._exit(1)
