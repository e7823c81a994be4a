"""Login by authorization code, with the real issuer and a person whose browser is ours."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from jose import jwt

from client.login.flow import Granted, LoginRequest
from client.login.loopback import log_in_by_browser
from client.login.metadata import fetch_metadata
from encore.client.errors import IssuerError
from encore.client.transport import Transport
from tests.client.login.browser import allow
from tests.fixtures.consent import Person

Open = Callable[[str], Any]


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport() as transport:
        yield transport


@pytest.fixture
def log_in(issuer: str, transport: Transport) -> Callable[..., Granted]:
    """Log in with a function that opens the page, in a thread as a browser does."""

    def log_in(open_url: Open, scope: str = "a b", wait_seconds: float = 20.0) -> Granted:
        metadata = fetch_metadata(issuer, transport, insecure=False)
        request = LoginRequest(metadata, "client", scope, "")
        failures: list[Exception] = []

        def browse(url: str) -> None:
            try:
                open_url(url)
            except Exception as error:  # noqa: BLE001 - raised by the test itself
                failures.append(error)

        threads: list[threading.Thread] = []

        def start(url: str) -> None:
            threads.append(threading.Thread(target=browse, args=(url,)))
            threads[0].start()

        try:
            return log_in_by_browser(request, transport, start, wait_seconds)
        finally:
            threads[0].join()
            assert failures == []

    return log_in


def response_to(url: str, **parameters: str) -> str:
    """Return a redirect of our own to the login that a URL began."""
    query = dict(parse_qsl(urlsplit(url).query))
    return f"{query['redirect_uri']}?{urlencode({'state': query['state'], **parameters})}"


def get(url: str, **headers: str) -> int:
    return httpx.get(url, headers=headers, trust_env=False).status_code


def test_person_who_allows_is_logged_in(log_in: Callable[..., Granted]) -> None:
    granted = log_in(lambda url: allow(url, "grace"))
    claims = jwt.get_unverified_claims(granted.token.access_token)
    assert (granted.person, claims["sub"]) == ("grace", "grace")
    assert (granted.scope, claims["scp"]) == ("a b", ["a", "b"])


def test_scope_that_is_not_granted_is_not_claimed(log_in: Callable[..., Granted]) -> None:
    def allow_one(url: str) -> None:
        with Person() as person:
            get(person.allow(url, "ada", untick=["b"]))

    assert log_in(allow_one).scope == "a"


def test_person_who_denies_is_not_logged_in(log_in: Callable[..., Granted]) -> None:
    def deny(url: str) -> None:
        with Person() as person:
            get(person.decide(url, "deny"))

    with pytest.raises(IssuerError, match="access_denied"):
        log_in(deny)


def test_response_that_is_not_of_this_login_is_passed_over(
    log_in: Callable[..., Granted],
) -> None:
    statuses = []

    def attack_then_allow(url: str) -> None:
        own = response_to(url, code="stolen")
        callback = urlsplit(own)
        # A browser opens connections ahead, and leaves them idle.
        with socket.create_connection(("127.0.0.1", callback.port or 0)):
            statuses.extend(
                [
                    get(own.replace("state=", "state=x")),
                    get(own.partition("?")[0] + "?code=stolen"),
                    get(f"{own}&code=twice"),
                    get(own.partition("&code")[0]),
                    get(own.replace("/callback", "/other")),
                    get(own, Host="rebound.example"),
                    httpx.post(own, trust_env=False).status_code,
                    get(own.partition("?")[0] + "?" + "a=1&" * 200),
                ]
            )
            statuses.append(allow(url).status_code)

    assert log_in(attack_then_allow).person == "ada"
    assert statuses == [400, 400, 400, 400, 400, 400, 501, 400, 200]


@pytest.mark.parametrize("issuer_of_response", ["http://other.example", None])
def test_response_of_another_issuer_ends_the_login(
    log_in: Callable[..., Granted], issuer_of_response: str | None
) -> None:
    named = {} if issuer_of_response is None else {"iss": issuer_of_response}
    with pytest.raises(IssuerError, match="Another issuer"):
        log_in(lambda url: get(response_to(url, code="c", **named)))


def test_code_of_another_login_is_refused_by_pkce(
    log_in: Callable[..., Granted], issuer: str
) -> None:
    def inject(url: str) -> None:
        with Person() as person:
            query = dict(parse_qsl(urlsplit(url).query))
            query["code_challenge"] = "A" * 43
            stolen = person.allow(f"{url.partition('?')[0]}?{urlencode(query)}")
        code = dict(parse_qsl(urlsplit(stolen).query))["code"]
        get(response_to(url, code=code, iss=issuer))

    with pytest.raises(IssuerError, match="invalid_grant"):
        log_in(inject)


def test_login_that_nobody_answers_ends(log_in: Callable[..., Granted]) -> None:
    with pytest.raises(IssuerError, match="Nobody logged in"):
        log_in(lambda _: None, wait_seconds=0.1)
