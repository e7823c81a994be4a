"""Starting and ending: refusals in one line, ports, both addresses of localhost, signals."""

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
    told: dict[str, Any] = {"audience": "a", "clients": {"id": "hidden"}, "default_scopes": ["s"]}
    return IssuerSettings(issuer=issuer, **(told | changes))


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
def test_an_issuer_that_is_not_http_on_loopback_is_refused_in_one_line(issuer: str) -> None:
    with pytest.raises(IssuerSettingsError) as refusal:
        make(issuer)
    assert "ISSUER" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "changes", [{"clients": {}}, {"clients": {"id": ""}}, {"token_seconds": 0}]
)
def test_settings_that_nobody_could_use_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IssuerSettingsError):
        make("http://localhost:3001/a", **changes)


def test_settings_never_show_a_secret() -> None:
    assert "hidden" not in repr(make("http://localhost:3001/a"))


@pytest.mark.parametrize("environment", ["production", " Production "])
def test_production_is_refused(environment: str) -> None:
    with pytest.raises(IssuerSettingsError, match="production"):
        check_startable(make("http://localhost:3001/a"), environment=environment)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "unfinished",
    [
        b"",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n\
Content-Length: 9\r\n\r\nabc",
    ],
)
def test_a_signal_ends_it_whatever_connections_are_open(
    start_issuer: Start, number: signal.Signals, unfinished: bytes
) -> None:
    process, port = start_issuer()
    with (
        httpx.Client(trust_env=False) as idle,
        socket.create_connection(("127.0.0.1", port)) as other,
    ):
        idle.get(f"http://localhost:{port}/.well-known/jwks.json").raise_for_status()
        other.sendall(unfinished)
        time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate(timeout=5)  # The connections stay open meanwhile.
    assert (process.returncode, out, err) == (0, "", "")


def test_a_taken_port_is_one_line_and_a_failure(start_issuer: Start) -> None:
    _, port = start_issuer()
    second, _ = start_issuer(port=port, wait=False)
    out, err = second.communicate(timeout=5)
    assert second.returncode == 1
    assert err.count("\n") == 1
    assert f"Port {port} is taken" in err
    assert out == ""


def test_it_starts_again_at_once_on_the_port_it_just_left(start_issuer: Start) -> None:
    first, port = start_issuer()
    httpx.get(f"http://localhost:{port}/.well-known/jwks.json", trust_env=False)
    first.terminate()
    first.communicate(timeout=5)
    start_issuer(port=port)


def test_localhost_answers_on_both_of_its_addresses(start_issuer: Start) -> None:
    _, port = start_issuer()
    for address in ("127.0.0.1", "[::1]"):
        try:
            answer = httpx.get(f"http://{address}:{port}/oauth/token", trust_env=False)
        except httpx.ConnectError:
            assert address == "[::1]"
            pytest.skip("this machine has no IPv6")
        assert answer.status_code == 405


def test_an_issuer_of_auth0_s_shape_alone_serves_no_okta_paths(start_issuer: Start) -> None:
    port = free_port()
    start_issuer(port=port, issuer=f"http://127.0.0.1:{port}/", token_seconds=60)
    origin = f"http://127.0.0.1:{port}"
    answer = httpx.get(f"{origin}/.well-known/openid-configuration", trust_env=False)
    assert answer.json()["issuer"] == f"{origin}/"
    assert httpx.get(f"{origin}/oauth2/default/v1/keys", trust_env=False).status_code == 404
