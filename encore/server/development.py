"""``make run``: everything a newcomer needs, in one command, on this machine alone.

Makes the development client's secret once, migrates the database, starts the development issuer
beside the service, and says what to type next. Ctrl-C ends both.
"""

import multiprocessing
import os
import secrets
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import urlsplit

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from encore.database.errors import DatabaseError
from encore.issuer import IssuerSettings
from encore.issuer.server import check_startable, serve_issuer
from encore.server.logs import configure_logs
from encore.server.server import build, check_address, end_with_parent, serve
from encore.settings import AUTH0_SCOPE_CLAIMS, Settings, SettingsError, StartupError, read_layers

ROOT: Final = Path(__file__).resolve().parents[2]
LOCAL: Final = Path(".env.local")
_OWNER_ONLY: Final = 0o600
_READY_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05


def run() -> None:
    """Run issuer and service until Ctrl-C.

    Raises:
        CannotStart: One line that says what to change.
    """
    make_client()
    settings = Settings.load()
    if settings.environment == "production":
        raise SettingsError("ENVIRONMENT: production has its own issuer; run python -m api")
    configure_logs(settings.log_level, readable=sys.stderr.isatty())
    issuer = _issuer_settings(settings)
    settings = _trust_both_shapes(settings, issuer)
    check_startable(issuer, environment=settings.environment)
    check_address(settings.server_host, settings.server_port)
    # Who names no scope in Auth0's shape is granted whatever an operation here may ask for.
    issuer = replace(issuer, default_scopes=sorted(build(settings).scopes()))
    with _running_issuer(issuer) as wait_for_issuer:
        migrate(settings.database_url)
        wait_for_issuer()
        threading.Thread(target=_welcome, args=(settings,), daemon=True).start()
        serve(settings)


def make_client() -> None:
    """Write a client id and a fresh secret to ``.env.local``, unless there are some already.

    The file is readable by its owner alone from the first byte on.
    """
    known = read_layers()
    if known.get("CLIENT_ID") and known.get("CLIENT_SECRET"):
        return
    try:
        descriptor = os.open(LOCAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            os.fchmod(descriptor, _OWNER_ONLY)
            if os.fstat(descriptor).st_size:
                file.write("\n")  # What is there may not end with a line's end.
            file.write(
                "# The development client, made by make run. Not for git.\n"
                f"CLIENT_ID=development-client\nCLIENT_SECRET={secrets.token_urlsafe(32)}\n"
            )
    except OSError as error:
        raise StartupError(f"{LOCAL}: cannot be written: {error.strerror}") from error


def migrate(url: str) -> None:
    """Bring the database to the newest revision, making it if need be. Raises ``StartupError``."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = url
    try:
        command.upgrade(config, "head")
    except (CommandError, DatabaseError, OSError, RuntimeError) as error:
        text = str(error).removeprefix("DATABASE_URL: ")
        raise StartupError(f"DATABASE_URL: the database cannot be migrated: {text}") from error
    except Exception as error:  # Drivers have exceptions of their own: SQLAlchemy's, sqlite3's.
        text = str(error).splitlines()[0]
        raise StartupError(f"DATABASE_URL: the database cannot be migrated: {text}") from error


def _issuer_settings(settings: Settings) -> IssuerSettings:
    client = read_layers()
    return IssuerSettings(
        issuer=settings.issuer,
        audience=settings.audience,
        auth0_audience=settings.auth0_audience or None,
        clients={client["CLIENT_ID"]: client["CLIENT_SECRET"]},
        default_scopes=settings.scope.split(),
        revoked_tokens_file=settings.revoked_tokens_file,
        keep_alive_seconds=settings.keep_alive_seconds,
    )


def _trust_both_shapes(settings: Settings, issuer: IssuerSettings) -> Settings:
    """Trust the development issuer's tokens in Okta's and in Auth0's shape.

    A tenant that AUTH0_DOMAIN names already takes the place of Auth0's shape.
    """
    if not issuer.has_okta_shape:
        return replace(settings, scope_claims=AUTH0_SCOPE_CLAIMS)
    if settings.auth0_domain:
        return settings
    return replace(
        settings,
        auth0_domain=urlsplit(issuer.auth0_issuer).netloc,
        auth0_audience=settings.auth0_audience or settings.audience,
    )


@contextmanager
def _running_issuer(settings: IssuerSettings) -> Iterator[Callable[[], None]]:
    """Run the issuer in a process beside this one; give what waits until it answers."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    child = spawn.Process(target=_run_issuer, args=(settings, ready))

    def wait() -> None:
        while not ready.wait(_POLL_SECONDS):
            if not child.is_alive():
                raise StartupError("ISSUER: the development issuer has ended before it began")

    # Ctrl-C goes to both processes; one that is still importing would end with a traceback.
    # What is ignored here stays so in the child, until the issuer has a handler of its own.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child.start()
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield wait
    finally:
        child.terminate()
        child.join()


def _run_issuer(settings: IssuerSettings, ready: Event) -> None:
    end_with_parent()
    serve_issuer(settings, ready=ready.set)


def _welcome(settings: Settings) -> None:
    """Wait until the service answers, then say what to type."""
    host = "localhost" if settings.server_host == "127.0.0.1" else settings.server_host
    url = f"http://{host}:{settings.server_port}"
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(f"{url}/readyz"):
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)
    python = os.path.relpath(sys.executable)
    print(  # noqa: T201 - this is what make run is for
        f"\nThe API is on {url} (docs: {url}/docs), its issuer is {settings.issuer}.\n"
        "In another terminal:\n\n"
        f"  {python} -m client {url}/parts\n"
        f'  {python} -m client {url}/parts post \'{{"partNumber":"ban-bd","modelNumber":1,'
        '"name":"Banana Bread","description":"Bread made from bananas"}\'\n'
        f"  {python} -m client {url}/parts/1 delete\n\n"
        "Ctrl-C ends both.\n",
        flush=True,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own URL
            return bool(response.status == 200)  # noqa: PLR2004
    except (URLError, OSError):
        return False
