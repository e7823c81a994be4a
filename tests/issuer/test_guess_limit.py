"""Wrong client secrets are delayed per client id and address; right ones of others are not."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from encore.issuer import IssuerSettings, create_issuer
from encore.issuer.guess_limit import (
    CAPACITY,
    FORGOTTEN_SECONDS,
    FREE_GUESSES,
    MAX_DELAY_SECONDS,
    GuessLimit,
)
from tests.fixtures.tokens import ManualClock

SECRET = "a secret of the client"
TOKEN = "/oauth2/default/v1/token"
INTROSPECT = "/oauth2/default/v1/introspect"
REVOKE = "/oauth2/default/v1/revoke"
ENDPOINTS = (TOKEN, "/oauth/token", INTROSPECT, REVOKE)


class Issuer:
    """An issuer called in process, from any address."""

    def __init__(self) -> None:
        self.app = create_issuer(
            IssuerSettings(
                issuer="http://localhost:3001/oauth2/default",
                audience="api",
                clients={"client": SECRET},
                default_scopes=["a"],
            )
        )

    def ask(
        self, secret: str, *, client: str = "client", address: str = "127.0.0.1", path: str = TOKEN
    ) -> httpx.Response:
        async def post() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://t") as http:
                data = {"grant_type": "client_credentials", "scope": "a", "token": "x"}
                return await http.post(path, data=data, auth=(client, secret))

        return asyncio.run(post())

    def guess(self, count: int, **options: Any) -> list[int]:
        return [self.ask("wrong", **options).status_code for _ in range(count)]


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def test_guesses_after_the_free_ones_are_429_with_retry_after(issuer: Issuer) -> None:
    assert issuer.guess(FREE_GUESSES) == [401] * FREE_GUESSES
    response = issuer.ask("wrong")
    assert (response.status_code, response.json()["error"]) == (429, "invalid_client")
    assert response.headers["retry-after"] == "1"
    assert response.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in response.headers


def test_right_secret_from_another_address_is_never_delayed(issuer: Issuer) -> None:
    issuer.guess(FREE_GUESSES + 5, address="127.0.0.2")
    assert issuer.ask(SECRET, address="127.0.0.2").status_code == 429
    assert issuer.ask(SECRET).status_code == 200


def test_unknown_client_is_delayed_like_a_known_one(issuer: Issuer) -> None:
    known = issuer.guess(FREE_GUESSES + 3)
    assert issuer.guess(FREE_GUESSES + 3, client="nobody") == known


@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_endpoint_counts_guesses(issuer: Issuer, path: str) -> None:
    issuer.guess(FREE_GUESSES, path=path)
    assert issuer.guess(len(ENDPOINTS)) == [429] * len(ENDPOINTS)


def test_right_secret_ends_the_count(issuer: Issuer) -> None:
    for _ in range(3):
        assert issuer.guess(FREE_GUESSES - 1) == [401] * (FREE_GUESSES - 1)
        assert issuer.ask(SECRET).status_code == 200


def test_encoded_secret_is_one_guess(issuer: Issuer) -> None:
    assert [issuer.ask("a%20b").status_code for _ in range(FREE_GUESSES)] == [401] * FREE_GUESSES


def test_encodings_of_a_client_id_are_counted_together(issuer: Issuer) -> None:
    encoded = [f"{'client'[:i]}%{ord('client'[i]):02x}{'client'[i + 1 :]}" for i in range(6)]
    statuses = [issuer.ask("wrong", client=encoded[n % 6]).status_code for n in range(12)]
    assert statuses == [401] * FREE_GUESSES + [429] * 2
    assert issuer.ask("wrong").status_code == 429


def test_delay_doubles_up_to_its_maximum_and_is_forgotten(
    make_limit: Callable[[], tuple[GuessLimit, ManualClock]],
) -> None:
    limit, clock = make_limit()
    for _ in range(FREE_GUESSES):
        assert limit.remaining_seconds("client", "a") == 0
        limit.add_wrong("client", "a")
    delays = []
    for _ in range(8):
        delays.append(limit.remaining_seconds("client", "a"))
        clock.now += delays[-1]
        assert limit.remaining_seconds("client", "a") == 0
        limit.add_wrong("client", "a")
    assert delays == [1, 2, 4, 8, 16, 32, MAX_DELAY_SECONDS, MAX_DELAY_SECONDS]
    clock.now += FORGOTTEN_SECONDS + 1
    limit.add_wrong("client", "a")
    assert limit.remaining_seconds("client", "a") == 0


def test_counts_are_limited_in_number(
    make_limit: Callable[[], tuple[GuessLimit, ManualClock]],
) -> None:
    limit, _ = make_limit()
    for number in range(CAPACITY + 10):
        limit.add_wrong(f"client {number}", "a")
    assert len(limit) == CAPACITY


@pytest.fixture
def make_limit() -> Callable[[], tuple[GuessLimit, ManualClock]]:
    def make() -> tuple[GuessLimit, ManualClock]:
        clock = ManualClock(1_000.0)
        return GuessLimit(clock), clock

    return make


def test_guesses_of_user_codes_at_the_same_time_are_limited_too(issuer: Issuer) -> None:
    async def guess_all() -> list[int]:
        transport = httpx.ASGITransport(issuer.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            form = {"user_code": "BCDF-GHJK"}
            guesses = [http.post("/activate", data=form) for _ in range(3 * FREE_GUESSES)]
            return [response.status_code for response in await asyncio.gather(*guesses)]

    assert sorted(asyncio.run(guess_all())) == [400] * FREE_GUESSES + [429] * 2 * FREE_GUESSES
