"""Request targets and Host headers over a real socket (RFC 9112)."""

import re
import socket

import pytest

from tests.fixtures.system import System

pytestmark = pytest.mark.parametrize("items", ["sqlite"], indirect=True)

TARGETS: list[tuple[bytes, bytes, int]] = [
    # Method, target, status.
    (b"OPTIONS", b"*", 200),
    (b"GET", b"*", 400),
    (b"GET", b"x", 400),
    (b"CONNECT", b"example.com:443", 400),
    (b"GET", b"?count=1", 400),
    (b"GET", b"http://x/items", 200),
    (b"GET", b"http://x", 404),
    (b"GET", b"http://x?count=1", 404),
    (b"GET", b"//", 404),
    (b"GET", b"//items", 404),
    (b"GET", b"/items//", 404),
    (b"GET", b"/items/%00", 404),
    (b"GET", b"/items/%zz", 400),
    (b"GET", b"/items/%", 400),
    (b"GET", b"/items/%25", 404),
    (b"GET", b"/items/%ff", 400),
    (b"GET", b"/items/%ff%2f", 400),
    (b"GET", b"/items/%EF%BF%BD", 404),
    (b"GET", "/items/ü".encode(), 404),
    (b"GET", b"/items/\xff", 400),
    (b"GET", b"/items/../items", 404),
    (b"GET", b"/" + b"a" * 60_000, 404),
    (b"GET", b"/" + b"a" * 300_000, 431),
    (b"GET", b"/items#fragment", 200),
    (b"BREW", b"/items", 405),
    (b"get", b"/items", 405),
    (b"TRACE", b"/items", 405),
    (b"OPTIONS", b"/items", 200),
]

HOSTS: list[tuple[bytes, bytes, int]] = [
    # Version, header lines, status.
    (b"1.1", b"", 400),
    (b"1.0", b"", 200),
    (b"1.1", b"Host: x\r\nHost: y\r\n", 400),
    (b"1.1", b"Host: x\r\nHost: x\r\n", 400),
    (b"1.1", b"Host: a b\r\n", 400),
    (b"1.1", b"Host: x/items\r\n", 400),
    (b"1.1", b"Host: x@y\r\n", 400),
    (b"1.1", b"Host: x:80:80\r\n", 400),
    (b"1.1", b"Host:\r\n", 400),
    (b"1.1", b"Host: x:3000\r\n", 200),
    (b"1.1", b"host: [::1]:3000\r\n", 200),
    (b"1.1", b"Host: b\xc3\xbccher.example\r\n", 400),
]


def send_raw(items: System, request: bytes) -> tuple[int, bytes]:
    """Send bytes; return the status and the whole response."""
    address = ("localhost", int(items.environment["SERVER_PORT"]))
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        response = b""
        while data := connection.recv(65_536):
            response += data
    status_line = re.match(rb"HTTP/1\.[01] (\d{3})", response)
    assert status_line is not None, response
    return int(status_line[1]), response


@pytest.fixture(scope="module")
def token(items: System) -> bytes:
    return f"Authorization: Bearer {items.token()}\r\nConnection: close\r\n\r\n".encode()


def test_request_target_has_the_status_of_rfc_9112(items: System, token: bytes) -> None:
    for method, target, expected in TARGETS:
        request = method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n" + token
        status, response = send_raw(items, request)
        assert status == expected, (method, target[:50], response[:500])
    status, response = send_raw(
        items, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert status == 200
    assert b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" in response


def test_http_1_1_requires_one_valid_host(items: System, token: bytes) -> None:
    for version, lines, expected in HOSTS:
        request = b"GET /items HTTP/" + version + b"\r\n" + lines + token
        status, response = send_raw(items, request)
        assert status == expected, (lines, response[:500])
