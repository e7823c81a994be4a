"""Start and stop of the issuer's server: settings, ports, addresses, signals."""

import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from encore.issuer import IssuerSettings, IssuerSettingsError
from encore.issuer.server import check_startable
from tests.fixtures.workers import free_port

Start = Callable[..., Any]


def make(issuer: str, **changes: Any) -> IssuerSettings:
    defaults: dict[str, Any] = {
        "audience": "a",
        "clients": {"id": "hidden"},
        "default_scopes": ["s"],
    }
    return IssuerSettings(issuer=issuer, **(defaults | changes))


@pytest.mark.parametrize(
    "issuer",
    [
        "https://localhost:3001/oauth2/default",
        "http://issuer.example:3001/oauth2/default",
        "http://0.0.0.0:3001/oauth2/default",
        "http://10.0.0.1/oauth2/default",
        "http://localhost.evil.example/oauth2/default",
        "http://user@localhost:3001/oauth2/default",
        "http://localhost:3001/oauth2/default/",
        "http://localhost:3001",
        "http://localhost:3001/a?b=c",
        "http://localhost:3001/{a}",
        "http://localhost:0/a",
        "http://localhost:99999/a",
        "http://[::1/a",
        "localhost:3001/a",
        "",
    ],
)
def test_issuer_other_than_http_on_loopback_is_rejected(issuer: str) -> None:
    with pytest.raises(IssuerSettingsError) as raised:
        make(issuer)
    assert "ISSUER" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "changes", [{"clients": {}}, {"clients": {"id": ""}}, {"token_seconds": 0}]
)
def test_unusable_settings_are_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(IssuerSettingsError):
        make("http://localhost:3001/a", **changes)


def test_repr_of_settings_hides_secrets() -> None:
    assert "hidden" not in repr(make("http://localhost:3001/a"))


@pytest.mark.parametrize("environment", ["production", " Production "])
def test_production_environment_is_rejected(environment: str) -> None:
    with pytest.raises(IssuerSettingsError, match="production"):
        check_startable(make("http://localhost:3001/a"), environment=environment)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "unfinished",
    [
        b"",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n\
Content-Length: 9\r\n\r\nabc",
    ],
)
def test_signal_stops_the_server_with_open_connections(
    start_issuer: Start, signal_number: signal.Signals, unfinished: bytes
) -> None:
    process, port = start_issuer()
    with (
        httpx.Client(trust_env=False) as idle,
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        idle.get(f"http://localhost:{port}/.well-known/jwks.json").raise_for_status()
        connection.sendall(unfinished)
        time.sleep(0.1)
        process.send_signal(signal_number)
        stdout, stderr = process.communicate(timeout=5)  # The connections stay open meanwhile.
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_port_in_use_fails_with_one_line(start_issuer: Start) -> None:
    _, port = start_issuer()
    second, _ = start_issuer(port=port, wait=False)
    stdout, stderr = second.communicate(timeout=5)
    assert second.returncode == 1
    assert stderr.count("\n") == 1
    assert f"Port {port} is taken" in stderr
    assert stdout == ""


def test_server_restarts_at_once_on_the_same_port(start_issuer: Start) -> None:
    first, port = start_issuer()
    httpx.get(f"http://localhost:{port}/.well-known/jwks.json", trust_env=False)
    first.terminate()
    first.communicate(timeout=5)
    start_issuer(port=port)


def test_localhost_is_served_on_ipv4_and_ipv6(start_issuer: Start) -> None:
    _, port = start_issuer()
    for address in ("127.0.0.1", "[::1]"):
        try:
            response = httpx.get(f"http://{address}:{port}/oauth/token", trust_env=False)
        except httpx.ConnectError:
            assert address == "[::1]"
            pytest.skip("this machine has no IPv6")
        assert response.status_code == 405


def test_auth0_only_issuer_serves_no_okta_paths(start_issuer: Start) -> None:
    port = free_port()
    start_issuer(port=port, issuer=f"http://127.0.0.1:{port}/", token_seconds=60)
    origin = f"http://127.0.0.1:{port}"
    response = httpx.get(f"{origin}/.well-known/openid-configuration", trust_env=False)
    assert response.json()["issuer"] == f"{origin}/"
    assert httpx.get(f"{origin}/oauth2/default/v1/keys", trust_env=False).status_code == 404
