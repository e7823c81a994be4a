"""``encore dev``: a service with a development issuer beside it, on a database that is created.

Ctrl-C ends both. The issuer runs in a process of its own and has no access to the service.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

import structlog

from encore.auth.trusted_issuer import RFC9068
from encore.database.advice import check_file
from encore.errors import SettingsError, StartupError
from encore.issuer import IssuerSettings
from encore.issuer.server import check_startable, serve_issuer
from encore.migrations.upgrade import upgrade_database
from encore.server.development_client import DevelopmentClient
from encore.server.development_logins import (
    DOCS_CLIENT,
    docs_redirect_uris,
    loopback_uris,
    public_clients,
    scope_descriptions,
)
from encore.server.development_users import read_users
from encore.server.logs import configure_logs
from encore.server.server import check_address, end_with_parent, serve
from encore.service import Service
from encore.service.tables import check_migrations
from encore.service.target import Target
from encore.settings import (
    AUTH0_SCOPE_CLAIMS,
    DEVELOPMENT,
    Settings,
    is_production,
    read_layers,
    set_process_layers,
)

_POLL_SECONDS: Final = 0.05
_log: Final = structlog.get_logger("encore.server")

_CLIENT: Final = '"$(. ./.env.local; echo "$CLIENT_ID:$CLIENT_SECRET")"'
"""The development client's credentials, for a shell."""

Examples = Callable[[str, Service], str]
"""Returns the commands to try, for a service's URL."""


def run_development(target: Target, examples: Examples) -> None:
    """Run issuer and service until Ctrl-C.

    Nothing is written before settings, addresses and the service are known to be valid.

    Raises:
        StartupError: One line that says what to change.
    """
    set_process_layers(defaults=DEVELOPMENT, overrides={})
    layers = read_layers()
    if is_production(layers):  # First: it would refuse the development issuer in other words.
        raise SettingsError("ENVIRONMENT: production has its own issuer; serve without dev")
    settings = Settings.parse(layers)
    configure_logs(settings.log_level, readable=sys.stderr.isatty())
    client = DevelopmentClient.load(layers)
    issuer = replace(_issuer_settings(settings, client), users=read_users(layers))
    if settings.server_port == 0:
        raise SettingsError("SERVER_PORT: must not be 0 for dev, which prints the address")
    check_startable(issuer, environment=settings.environment)
    check_address(settings.server_host, settings.server_port)
    with _revoked_tokens_file(settings) as revoked:
        overrides = _trust_both_shapes(settings, issuer) | {
            "DOCS_CLIENT_ID": settings.docs_client_id or DOCS_CLIENT,
            "REVOKED_TOKENS_FILE": str(revoked),
        }
        set_process_layers(defaults=DEVELOPMENT, overrides=overrides)
        service = target.load()
        _check_settings(service.settings, settings)
        check_file(service.settings.database_url)
        client.save()
        issuer = _complete(issuer, service)
        with _running_issuer(issuer) as wait_for_issuer:
            prepare_database(service)
            wait_for_issuer()
            serve(service, ready=partial(_print_welcome, service, examples))


@contextmanager
def _revoked_tokens_file(settings: Settings) -> Iterator[Path]:
    """Yield the file in which the issuer reports revoked tokens to the service.

    It is that of REVOKED_TOKENS_FILE, or one in a temporary directory of this user only.
    """
    if settings.revoked_tokens_file is not None:
        yield settings.revoked_tokens_file
        return
    with TemporaryDirectory(prefix="encore-dev-") as directory:
        file = Path(directory) / "revoked-tokens.txt"
        file.touch()
        yield file


def _complete(issuer: IssuerSettings, service: Service) -> IssuerSettings:
    """Add what only the loaded service knows to the settings of its issuer."""
    revoked = service.settings.revoked_tokens_file
    if revoked is None:  # They were made in code: otherwise they name the file of dev.
        _log.warning("revoked tokens stay valid", missing="REVOKED_TOKENS_FILE")
    return replace(
        issuer,
        # A request in Auth0's shape that names no scope is granted all that an operation may need.
        default_scopes=sorted(service.scopes()),
        scope_descriptions=scope_descriptions(service),
        resources=[url] if (url := service.settings.resource_url) else [],
        revoked_tokens_file=revoked,
    )


def _check_settings(own: Settings, settings: Settings) -> None:
    """Reject settings made in code that differ where issuer and service must agree.

    Raises:
        SettingsError: Names each of them.
    """
    names = ("environment", "issuer", "audience", "server_host", "server_port")
    differing = [name.upper() for name in names if getattr(own, name) != getattr(settings, name)]
    if differing:
        advice = "must be set in the environment or in .env.local for dev, not in code"
        raise SettingsError(*(f"{name}: {advice}" for name in differing))


def prepare_database(service: Service) -> None:
    """Bring the database to the newest revision; without migrations, create its tables.

    Raises:
        StartupError: It cannot be reached or migrated, or it has tables and lacks some.
    """
    if service.migrations is None:
        service.schema().create()
    else:
        check_migrations(service.migrations)
        upgrade_database(service.settings.database_url, service.migrations)


def _issuer_settings(settings: Settings, client: DevelopmentClient) -> IssuerSettings:
    return IssuerSettings(
        issuer=settings.issuer,
        audience=settings.audience,
        auth0_audience=settings.auth0_audience or None,
        clients={client.id_: client.secret},
        redirect_uris=(*docs_redirect_uris(settings.server_port), *loopback_uris()),
        public_clients=public_clients(settings.server_port),
        default_scopes=settings.scope.split(),
        rfc9068=settings.token_profile == RFC9068,
        keep_alive_seconds=settings.keep_alive_seconds,
    )


def _trust_both_shapes(settings: Settings, issuer: IssuerSettings) -> dict[str, str]:
    """Return the settings that trust the issuer's tokens in Okta's and in Auth0's shape.

    A tenant that AUTH0_DOMAIN names already takes the place of Auth0's shape.
    """
    if not issuer.has_okta_shape:
        return {"SCOPE_CLAIMS": " ".join(AUTH0_SCOPE_CLAIMS)}
    if settings.auth0_domain:
        return {}
    # Both shapes are of the same people: Auth0's subject of ada is auth0|ada.
    stripped = "auth0|" if settings.user_claim == "sub" else ""
    own = settings.issuer if settings.introspection_url else ""
    return {
        "INTROSPECTION_ISSUER": settings.introspection_issuer or own,
        "AUTH0_DOMAIN": urlsplit(issuer.auth0_issuer).netloc,
        "AUTH0_AUDIENCE": settings.auth0_audience or settings.audience,
        "AUTH0_USER_PREFIX": "",
        "AUTH0_STRIP_PREFIX": stripped,
    }


@contextmanager
def _running_issuer(settings: IssuerSettings) -> Iterator[Callable[[], None]]:
    """Run the issuer in another process; yield a function that waits until it answers."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    child = spawn.Process(target=_run_issuer, args=(settings, ready))

    def wait() -> None:
        while not ready.wait(_POLL_SECONDS):
            if not child.is_alive():
                raise StartupError("ISSUER: the development issuer ended before it was ready")

    # Ctrl-C goes to both processes; one that is still importing would end with a traceback.
    # What is ignored here stays so in the child, until the issuer has a handler of its own. This
    # process blocks the signal meanwhile: it is delivered afterwards instead of being lost.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child.start()
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        yield wait
    finally:
        child.terminate()
        child.join()


def _run_issuer(settings: IssuerSettings, ready: Event) -> None:
    end_with_parent()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # Still ignored.
    serve_issuer(settings, ready=ready.set)


def _print_welcome(service: Service, examples: Examples) -> None:
    settings = service.settings
    host = settings.server_host
    host = "localhost" if host == "127.0.0.1" else f"[{host}]" if ":" in host else host
    url = f"http://{host}:{settings.server_port}"
    print(  # noqa: T201 - for the person at the terminal
        f"\nThe API is on {url} (docs: {url}/docs), its issuer is {settings.issuer}.\n"
        f"In another terminal:\n\n{examples(url, service)}\n\nCtrl-C ends both.\n",
        flush=True,
    )


def example_requests(url: str, service: Service) -> str:
    """Return commands that get a token and list the first resource."""
    issuer, scopes = service.settings.issuer, " ".join(sorted(service.scopes()))
    path = next((r.collection_path for r in service.resources()), "/livez")
    token = f"{issuer}/v1/token" if not issuer.endswith("/") else f"{issuer}oauth/token"
    return (
        f"  TOKEN=$(curl -s {token} -u {_CLIENT} -d grant_type=client_credentials"
        f" -d 'scope={scopes}' | {os.path.relpath(sys.executable)} -c"
        " 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
        f'  curl -s {url}{path} -H "Authorization: Bearer $TOKEN"'
    )
