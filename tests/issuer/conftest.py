"""Development issuers on real sockets: one for the session, and others that tests start."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.workers import free_port

ROOT = Path(__file__).parents[2]
CALLBACK = "http://localhost:3000/docs/oauth2-redirect"
WITH_QUERY = "http://localhost:3000/callback?tab=1"
CLIENT_ID = "dev-client"
CLIENT_SECRET = "dev+secret/with:signs"

SCRIPT = """
import json, pathlib, sys
from encore.issuer import IssuerSettings, PublicClient, User
from encore.errors import StartupError
from encore.issuer.server import serve_issuer
settings = json.loads(sys.argv[1])
environment = settings.pop("environment", "development")
if "revoked_tokens_file" in settings:
    settings["revoked_tokens_file"] = pathlib.Path(settings["revoked_tokens_file"])
settings["public_clients"] = [PublicClient(**client) for client in settings["public_clients"]]
settings["users"] = [User(**user) for user in settings["users"]]
try:
    serve_issuer(IssuerSettings(**settings), environment=environment,
          ready=lambda: print("ready", flush=True))
except StartupError as error:
    sys.exit(str(error))
"""


def settings_for(port: int, **changes: Any) -> dict[str, Any]:
    return {
        "issuer": f"http://localhost:{port}/oauth2/default",
        "audience": "api://default",
        "auth0_audience": "https://api.example",
        "clients": {CLIENT_ID: CLIENT_SECRET, "other": "other-secret"},
        "default_scopes": ["parts_manager", "batch:upload"],
        "scope_descriptions": {"parts_manager": "Change & read parts"},
        "resources": ["http://127.0.0.1:3000"],
        "redirect_uris": [CALLBACK],
        "public_clients": [
            {"id_": "docs", "name": "The <docs> page", "redirect_uris": [CALLBACK, WITH_QUERY]},
            {
                "id_": "client",
                "name": "The client",
                "redirect_uris": ["http://127.0.0.1/callback", "http://[::1]/callback"],
                "has_device_flow": True,
            },
        ],
        "users": [
            {"name": "ada", "scopes": ["parts_manager"], "claims": {"email": "ada@example.com"}},
            {"name": "grace", "description": "<manager>"},
        ],
    } | changes


def launch_issuer(settings: dict[str, Any]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(settings)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def start_issuer() -> Iterator[Callable[..., Any]]:
    """Return a function that starts an issuer; those still running are killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*, wait: bool = True, **changes: Any) -> tuple[subprocess.Popen[str], int]:
        port = changes.pop("port", None) or free_port()
        process = launch_issuer(settings_for(port, **changes))
        started.append(process)
        if wait:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        return process, port

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Return scheme, host and port of an issuer that runs for the whole session."""
    port = free_port()
    process = launch_issuer(settings_for(port))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield f"http://localhost:{port}"
    process.terminate()
    _, log = process.communicate(timeout=5)
    assert "Traceback" not in log, log
    assert CLIENT_SECRET not in log


@pytest.fixture(scope="session")
def http(origin: str) -> Iterator[httpx.Client]:
    """Return a client whose base URL is the issuer's origin."""
    with httpx.Client(base_url=origin, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def basic() -> tuple[str, str]:
    return CLIENT_ID, CLIENT_SECRET
