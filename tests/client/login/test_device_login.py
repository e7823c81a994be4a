"""Login by the device flow: with the real issuer, and with one that answers what issuers may."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jose import jwt

from client.login.device import DeviceCode, log_in_by_device
from client.login.flow import Granted, LoginRequest
from client.login.metadata import Metadata, fetch_metadata
from encore.client.errors import IssuerError, UnexpectedResponseError
from encore.client.transport import Transport
from tests.client.conftest import FakeServer
from tests.fixtures.consent import Person

CODES = {
    "device_code": "d",
    "user_code": "ABCD-EFGH",
    "verification_uri": "http://localhost/device",
    "expires_in": 600,
    "interval": 7,
}
TOKEN = {"access_token": "opaque", "token_type": "Bearer", "scope": "a", "expires_in": 60}


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport() as transport:
        yield transport


def approve(code: DeviceCode, decision: str = "allow") -> None:
    """Compare the code at the issuer, and decide."""
    with Person() as person:
        consent = person.send(person.open(code.complete_url))
        assert consent.status_code == 200, consent.text
        done = person.send(consent, {"decision": decision, "user": "grace"})
        assert done.is_success, done.text


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_person_decides_on_another_device(issuer: str, transport: Transport, decision: str) -> None:
    request = LoginRequest(fetch_metadata(issuer, transport, insecure=False), "client", "a", "")
    shown: list[DeviceCode] = []

    def show(code: DeviceCode) -> None:
        shown.append(code)
        approve(code, decision)

    if decision == "deny":
        with pytest.raises(IssuerError, match="access_denied"):
            log_in_by_device(request, transport, show)
        return
    granted = log_in_by_device(request, transport, show)
    assert jwt.get_unverified_claims(granted.token.access_token)["sub"] == "grace"
    assert (granted.person, granted.scope) == ("grace", "a")
    assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", shown[0].user_code)


@pytest.fixture
def ask(
    fake_server: Callable[[], FakeServer], transport: Transport
) -> Callable[..., tuple[Granted, list[float]]]:
    """Log in at an issuer with prepared responses; return also the waits between polls."""

    def ask(*responses: tuple[int, Any]) -> tuple[Granted, list[float]]:
        server = fake_server()
        for status, body in responses:
            server.respond(status, body)
        metadata = Metadata("i", f"{server.url}/token", "", f"{server.url}/device", "", False)  # noqa: FBT003 - a named tuple
        waits: list[float] = []
        request = LoginRequest(metadata, "client", "a b", "")
        return log_in_by_device(request, transport, lambda _: None, waits.append), waits

    return ask


def test_polls_keep_the_interval_and_slow_down(ask: Callable[..., Any]) -> None:
    pending = (400, {"error": "authorization_pending"})
    granted, waits = ask(
        (200, CODES), pending, (400, {"error": "slow_down"}), pending, (200, TOKEN)
    )
    assert waits == [1.0, 7.0, 12.0, 12.0]
    assert (granted.person, granted.scope) == ("a person", "a")


@pytest.mark.parametrize(
    ("responses", "words"),
    [
        ([(400, {"error": "unauthorized_client"})], "refused the login: unauthorized_client"),
        ([(500, b"broken")], "status 500"),
        ([(200, CODES), (400, {"error": "access_denied"})], "access_denied"),
        ([(200, CODES), (400, {"error": "expired_token"})], "has expired"),
        ([(200, CODES | {"expires_in": 0.5})], "has expired"),
        ([(200, CODES), (500, b"broken")], "ISSUER returned no token: 500"),
    ],
)
def test_login_that_fails_is_reported(
    ask: Callable[..., Any], responses: list[tuple[int, Any]], words: str
) -> None:
    with pytest.raises(IssuerError, match=words):
        ask(*responses)


@pytest.mark.parametrize(
    "codes",
    [
        {},
        [],
        CODES | {"device_code": 7},
        CODES | {"user_code": ""},
        CODES | {"verification_uri": "javascript:alert(1)"},
        CODES | {"verification_uri_complete": "file:///etc"},
    ],
)
def test_malformed_codes_are_not_shown(ask: Callable[..., Any], codes: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        ask((200, codes))


def test_unreachable_issuer_is_asked_less_often(
    fake_server: Callable[[], FakeServer], transport: Transport
) -> None:
    waits: list[float] = []
    server = fake_server()
    server.respond(200, CODES)
    metadata = Metadata("i", "http://localhost:1/t", "", f"{server.url}/device", "", False)  # noqa: FBT003 - as above
    request = LoginRequest(metadata, "client", "", "")

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) > 4:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        log_in_by_device(request, transport, lambda _: None, sleep)
    assert waits == [1.0, 14.0, 28.0, 56.0, 60.0]
