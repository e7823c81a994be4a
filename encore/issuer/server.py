"""Running the issuer: one process, one granian worker for each loopback address.

Granian's embedded server is taken, not its supervisor: no grandchild process is left behind when
a parent dies, a daemonic process may run it, and both addresses of ``localhost`` share one key
and one ledger. The sockets are granian's own and are shared (SO_REUSEPORT), so that a taken port
would not be noticed; a plain bind beforehand does notice.
"""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import StartupError
from encore.issuer.app import create_issuer
from encore.issuer.issuer_settings import LOOPBACK, IssuerLocation, IssuerSettings
from encore.issuer.startup_errors import IssuerSettingsError, PortInUse

DEVELOPMENT = "development"
PRODUCTION = "production"

GRACE_SECONDS = 0.3
"""How long requests in progress may take to end, once the issuer was told to."""

_CONNECTIONS = 512
"""Held at one time, by each address; the embedded server has 128 by default."""

_POLL_SECONDS = 0.01

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""The machine has no such address: IPv6 is often switched off."""


def serve_issuer(
    settings: IssuerSettings,
    *,
    environment: str = DEVELOPMENT,
    ready: Callable[[], None] | None = None,
) -> NoReturn:
    """Run the issuer on its URL's host and port until SIGTERM or SIGINT, then end the process.

    Must be called in the main thread, which alone receives signals, of a process that does
    nothing else. Ends with status 0 in well under a second, idle connections or not.

    Args:
        settings: What to serve, and where.
        environment: ``production`` is refused.
        ready: Called once, when connections are taken.

    Raises:
        StartupError: It may not or cannot start; the message is one line.
    """
    addresses = check_startable(settings, environment=environment)
    asyncio.run(_serve(settings, addresses, ready))
    # Past the interpreter's own ending: granian's threads outlive their server by some
    # milliseconds, and panic on stderr when they meet a half-finalized interpreter.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # Closed, or nobody reads it any more.
            stream.flush()
    os._exit(0)


def check_startable(settings: IssuerSettings, *, environment: str = DEVELOPMENT) -> Sequence[str]:
    """Give the loopback addresses that the issuer will listen on, all of them free.

    Raises:
        IssuerRefusedError: The environment is ``production``.
        PortTakenError: Another process listens there.
        StartupError: The port cannot be had for another reason.
    """
    if environment.strip().lower() == PRODUCTION:
        raise IssuerSettingsError(
            "The development issuer does not run in production: set ISSUER to a real one."
        )
    location = settings.location
    usable = [a for a in LOOPBACK[location.host] if _is_free(a, location)]
    if not usable:
        raise StartupError(f"This machine has no address for ISSUER's host {location.host}.")
    return usable


def _is_free(address: str, location: IssuerLocation) -> bool:
    """Tell whether the address exists here; raise when its port cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Without it, connections of the run before, in TIME_WAIT, would look like a server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, location.port))
            probe.listen(1)
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {location.port} is taken: stop what listens there,"
                " or give ISSUER another port."
            ) from error
        raise StartupError(
            f"Port {location.port} of ISSUER cannot be opened: {error.strerror}."
        ) from error
    return True


async def _serve(
    settings: IssuerSettings, addresses: Sequence[str], ready: Callable[[], None] | None
) -> None:
    app = _Interruptible(create_issuer(settings))
    servers = [
        Server(
            app,
            address=address,
            port=settings.location.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=settings.keep_alive_seconds * 1_000),
            websockets=False,
            # Errors only: at "warning" it tells every user that embedding is experimental. The
            # access log stays off; a query string may hold what should not be written down.
            log_level=LogLevels.error,
            log_access=False,
        )
        for address in addresses
    ]
    running = asyncio.gather(*(server.serve() for server in servers))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, partial(_stop, servers, running))
    if ready is not None:
        await _answering(addresses, settings.location.port, running)
        if not running.done():
            ready()
    # Cancelled only by _stop, when a request was still arriving after the grace.
    with suppress(asyncio.CancelledError):
        await running


class _Interruptible:
    """The application, for which being cut off at the end is no failure to log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; end in silence when the process ends amid a request."""
        with suppress(asyncio.CancelledError):
            await self._app(scope, receive, send)


async def _answering(
    addresses: Sequence[str], port: int, running: "asyncio.Future[list[None]]"
) -> None:
    """Wait until every address takes connections, or the server has ended."""
    for address in addresses:
        while not running.done():
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                writer.close()
                break


def _stop(servers: Sequence[Server], running: "asyncio.Future[list[None]]") -> None:
    for server in servers:
        # Granian annotates serve() alone.
        server.stop()  # type: ignore[no-untyped-call]
    # Granian closes idle connections at once, but waits for a body that never comes.
    asyncio.get_running_loop().call_later(GRACE_SECONDS, _cut_off, running)


def _cut_off(running: "asyncio.Future[list[None]]") -> None:
    """End what still goes on; what granian then tells futures that were cancelled is no news."""
    asyncio.get_running_loop().set_exception_handler(lambda _, __: None)
    running.cancel()
