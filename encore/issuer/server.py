"""Runs the issuer: one process, one granian worker for each loopback address.

It uses granian's embedded server instead of its supervisor: no grandchild process remains when a
parent dies, a daemonic process can run it, and both addresses of ``localhost`` share one key and
one token store. Granian's sockets use SO_REUSEPORT, which hides a port in use; a plain bind
beforehand detects it.
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
from typing import Final, NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import StartupError
from encore.issuer.app import create_issuer
from encore.issuer.issuer_settings import LOOPBACK, IssuerLocation, IssuerSettings
from encore.issuer.startup_errors import IssuerSettingsError, PortInUse

DEVELOPMENT: Final = "development"
PRODUCTION: Final = "production"

GRACE_SECONDS: Final = 0.3
"""How long requests in progress may take at shutdown."""

_CONNECTIONS: Final = 512
"""Backlog of each address; the embedded server's default is 128."""

_POLL_SECONDS: Final = 0.01

_ABSENT: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""The machine lacks the address: IPv6 is often disabled."""


def serve_issuer(
    settings: IssuerSettings,
    *,
    environment: str = DEVELOPMENT,
    ready: Callable[[], None] | None = None,
) -> NoReturn:
    """Run the issuer on its URL's host and port until SIGTERM or SIGINT, then end the process.

    Must be called in the main thread, the only one that receives signals, of a process that does
    nothing else. Ends with status 0 in well under a second, also with idle connections.

    Args:
        settings: The issuer's settings.
        environment: ``production`` is rejected.
        ready: Called once, when connections are accepted.

    Raises:
        StartupError: It must not or cannot start; the message is one line.
    """
    addresses = check_startable(settings, environment=environment)
    asyncio.run(_serve(settings, addresses, ready))
    # Skip the interpreter's finalization: granian's threads outlive their server by some
    # milliseconds, and panic on stderr in a half-finalized interpreter.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # Closed, or the reader has gone.
            stream.flush()
    os._exit(0)


def check_startable(settings: IssuerSettings, *, environment: str = DEVELOPMENT) -> Sequence[str]:
    """Return the loopback addresses that the issuer will listen on, all of them free.

    Raises:
        IssuerSettingsError: The environment is ``production``.
        PortInUse: Another process listens there.
        StartupError: The port cannot be opened for another reason.
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
    """Return whether the address exists on this machine. Raises ``StartupError``."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Without it, connections of the last run in TIME_WAIT would look like a server.
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
            # At "warning" it logs that embedding is experimental. The access log stays off, as
            # a query string may contain secrets.
            log_level=LogLevels.error,
            log_access=False,
        )
        for address in addresses
    ]
    running = asyncio.gather(*(server.serve() for server in servers))
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, partial(_stop, servers, running))
    if ready is not None:
        await _wait_until_listening(addresses, settings.location.port, running)
        if not running.done():
            ready()
    # Cancelled only by _stop, if a request was still in progress after the grace period.
    with suppress(asyncio.CancelledError):
        await running


class _Interruptible:
    """The application; its cancellation at shutdown is not logged as a failure."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; end silently if the process ends meanwhile."""
        with suppress(asyncio.CancelledError):
            await self._app(scope, receive, send)


async def _wait_until_listening(
    addresses: Sequence[str], port: int, running: "asyncio.Future[list[None]]"
) -> None:
    """Wait until every address accepts connections, or the server has ended."""
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
        server.stop()  # type: ignore[no-untyped-call] # granian annotates serve() only
    # Granian closes idle connections at once, but waits for incomplete bodies.
    asyncio.get_running_loop().call_later(GRACE_SECONDS, _cancel, running)


def _cancel(running: "asyncio.Future[list[None]]") -> None:
    """Cancel the servers; errors that granian reports for cancelled futures are ignored."""
    asyncio.get_running_loop().set_exception_handler(lambda _, __: None)
    running.cancel()
