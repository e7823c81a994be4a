"""Services behind proxies: one address in the log and in the limit of invalid tokens."""

import socket

import httpx
import pytest

from encore.settings import Settings, SettingsError
from tests.fixtures.gate import RunningGate, StartGate

CLIENT = "203.0.113.9"
STRANGER = "127.0.0.9"
"""An address of this machine from which requests come that no proxy has sent."""


@pytest.fixture(scope="module")
def behind_proxy(start_gate: StartGate) -> RunningGate:
    return start_gate(
        TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8, ::1",
        RATE_LIMIT_BAD_TOKENS="2/hour",
        LOG_LEVEL="info",
    )


@pytest.fixture(scope="module")
def behind_rfc7239(start_gate: StartGate) -> RunningGate:
    return start_gate(TRUSTED_PROXIES="127.0.0.1", FORWARDED_HEADER="Forwarded")


def send(gate: RunningGate, *headers: tuple[str, str], source: str = "127.0.0.1") -> httpx.Response:
    """Send a request from an address of this machine."""
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(transport=transport) as client:
        return client.get(f"{gate.url}/items", headers=list(headers))


def logged(gate: RunningGate, *headers: tuple[str, str], source: str = "127.0.0.1") -> str | None:
    line = gate.log_line_of(send(gate, *headers, source=source))
    address: str | None = line["remote_address"]
    return address


def x_forwarded_for(value: str) -> tuple[str, str]:
    return ("X-Forwarded-For", value)


def test_address_of_the_connection_is_logged_without_trusted_proxies(gate: RunningGate) -> None:
    forged = (x_forwarded_for(CLIENT), ("Forwarded", f"for={CLIENT}"), ("X-Real-IP", CLIENT))
    assert logged(gate, *forged) == "127.0.0.1"
    assert logged(gate, *forged, source=STRANGER) == STRANGER


def test_address_is_read_from_the_header_of_a_trusted_proxy(behind_proxy: RunningGate) -> None:
    assert logged(behind_proxy, x_forwarded_for(CLIENT)) == CLIENT
    assert logged(behind_proxy, x_forwarded_for(f"6.6.6.6, {CLIENT}, 10.0.0.2")) == CLIENT
    fields = [x_forwarded_for("6.6.6.6"), x_forwarded_for(CLIENT), x_forwarded_for("10.0.0.2")]
    assert logged(behind_proxy, *fields) == CLIENT
    assert logged(behind_proxy, x_forwarded_for("[2001:db8::9]:443")) == "2001:db8::9"
    assert logged(behind_proxy, x_forwarded_for(CLIENT), source=STRANGER) == STRANGER
    assert logged(behind_proxy, ("Forwarded", f"for={CLIENT}")) == "127.0.0.1"


def test_header_of_rfc_7239_is_read_if_it_is_the_setting(behind_rfc7239: RunningGate) -> None:
    assert logged(behind_rfc7239, ("Forwarded", 'for=6.6.6.6;host="')) == "127.0.0.1"
    assert logged(behind_rfc7239, ("Forwarded", f'for="{CLIENT}:80";proto=https')) == CLIENT
    assert logged(behind_rfc7239, x_forwarded_for(CLIENT)) == "127.0.0.1"


@pytest.mark.parametrize("value", [b"", b"\xff\xfe, ", b"unknown", b"," * 9_000, b'for="' * 900])
def test_malformed_header_is_not_believed_and_never_an_error(
    behind_proxy: RunningGate, behind_rfc7239: RunningGate, value: bytes
) -> None:
    for gate, name in ((behind_proxy, b"X-Forwarded-For"), (behind_rfc7239, b"Forwarded")):
        with socket.create_connection(("127.0.0.1", int(gate.url.rpartition(":")[2]))) as raw:
            head = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b: %b\r\n\r\n"
            raw.sendall(head % (name, value))
            answer = b"".join(iter(lambda: raw.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        request_id = answer.lower().partition(b"x-request-id: ")[2].split(b"\r\n")[0].decode()
        response = httpx.Response(200, headers={"X-Request-Id": request_id})
        assert gate.log_line_of(response)["remote_address"] == "127.0.0.1"


def test_invalid_tokens_are_counted_by_the_address_behind_the_proxy(
    behind_proxy: RunningGate,
) -> None:
    def statuses(address: str, source: str = "127.0.0.1") -> list[int]:
        headers = (("Authorization", "Bearer asdf"), x_forwarded_for(f"6.6.6.6, {address}"))
        return [send(behind_proxy, *headers, source=source).status_code for _ in range(3)]

    assert statuses("198.51.100.1") == [401, 401, 429]
    assert statuses("198.51.100.2") == [401, 401, 429]
    assert statuses("2001:db8:7::1") == [401, 401, 429]
    assert statuses("2001:db8:7::2") == [429, 429, 429]  # The same network.
    assert statuses("198.51.100.3", source=STRANGER) == [401, 401, 429]
    assert statuses("198.51.100.4", source=STRANGER) == [429, 429, 429]  # Nobody's proxy.


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("10.0.0.1/8", "must be addresses and networks such as 10.0.0.5"),
        ("proxy.example", "must be addresses and networks such as 10.0.0.5"),
        ("*", "must be addresses and networks such as 10.0.0.5"),
        ("fe80::1%eth0", "must be addresses and networks such as 10.0.0.5"),
        ("0.0.0.0/0", "must not be every address"),
        ("10.0.0.1 ::/0", "must not be every address"),
        ("::ffff:0:0/96", "must not be every address"),
    ],
)
def test_invalid_trusted_proxies_are_rejected(value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"TRUSTED_PROXIES: {message}"):
        Settings.parse({"ISSUER": "https://x", "TRUSTED_PROXIES": value})


def test_header_without_trusted_proxies_or_of_another_name_is_rejected() -> None:
    with pytest.raises(SettingsError, match="FORWARDED_HEADER: needs TRUSTED_PROXIES"):
        Settings.parse({"ISSUER": "https://x", "FORWARDED_HEADER": "forwarded"})
    raw = {"ISSUER": "https://x", "TRUSTED_PROXIES": "unix:", "FORWARDED_HEADER": "x-real-ip"}
    with pytest.raises(SettingsError, match="must be one of x-forwarded-for, forwarded"):
        Settings.parse(raw)
