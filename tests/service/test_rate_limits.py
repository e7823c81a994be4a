"""Rate limits: bad tokens by address, good ones by client; and the counters beneath them."""

import time
from typing import Any

import httpx
import pytest

from encore.auth.fixed_window_storage import FixedWindowStorage
from encore.auth.rate_limits import RateLimit
from encore.http.client_address import client_address
from encore.settings import Settings, SettingsError
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import ManualClock

NOW = 1_700_000_000


@pytest.fixture(scope="module")
def limited(start_gate: StartGate) -> RunningGate:
    return start_gate(RATE_LIMIT_CLIENTS="3/hour", RATE_LIMIT_BAD_TOKENS="3/hour")


def test_a_clients_requests_beyond_its_rate_are_429_and_anothers_are_not(
    limited: RunningGate,
) -> None:
    headers = limited.bearer(cid="greedy")
    for rest in (2, 1, 0):
        response = httpx.get(f"{limited.url}/items", headers=headers)
        assert response.status_code == 200
        assert response.headers["ratelimit-policy"] == '"clients";q=3;w=3600'
        name, r, t = response.headers["ratelimit"].split(";")
        assert (name, r) == ('"clients"', f"r={rest}")
        assert 0 < int(t.removeprefix("t=")) <= 3600
    refused = httpx.post(f"{limited.url}/items", headers=headers, json={"name": "one too many"})
    assert_problem(refused, 429, "too-many-requests", "Too many requests of this client")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["ratelimit"].startswith('"clients";r=0;t=')
    assert "www-authenticate" not in refused.headers
    assert not limited.rows()
    line = limited.log_line_of(refused)
    assert (line["client"], line["reason"]) == ("greedy", "rate-limit-client")
    other = httpx.get(f"{limited.url}/items", headers=limited.bearer(cid="modest"))
    assert other.status_code == 200


def test_a_new_token_does_not_give_a_client_a_new_rate_and_403_counts(
    limited: RunningGate,
) -> None:
    answers = [
        httpx.get(
            f"{limited.url}/items", headers=limited.bearer(cid="sly", jti=f"{n}", scp=["x"])
        ).status_code
        for n in range(4)
    ]
    assert answers == [403, 403, 403, 429]


def test_bad_tokens_beyond_the_rate_are_429_while_good_ones_of_the_address_pass(
    limited: RunningGate,
) -> None:
    bad = {"Authorization": "Bearer asdf"}
    answers = [httpx.get(f"{limited.url}/items", headers=bad) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert "ratelimit" not in answers[0].headers
    assert_problem(answers[-1], 429, "too-many-requests")
    assert limited.log_line_of(answers[-1])["reason"] == "rate-limit-bad-tokens"
    assert httpx.get(f"{limited.url}/items").status_code == 401  # No token is no bad token.
    good = httpx.get(f"{limited.url}/items", headers=limited.bearer(cid="neighbour"))
    assert good.status_code == 200
    assert httpx.get(f"{limited.url}/livez").status_code == 200


def test_without_settings_nothing_is_limited_and_nothing_is_said(gate: RunningGate) -> None:
    response = httpx.get(f"{gate.url}/items", headers=gate.bearer())
    assert not [name for name in response.headers if name.startswith("ratelimit")]


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "20010db800010002::/64"),
        (("2001:db8:1:2:ffff::1", 5), "20010db800010002::/64"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_is_an_ipv4_address_or_a_network_of_ipv6(client: Any, address: str) -> None:
    assert client_address({"client": client}).lstrip("0") == address.lstrip("0")


class TestWindows:
    def test_a_window_ends_and_the_next_begins_with_its_first_request(self) -> None:
        clock = ManualClock(NOW)
        limit = RateLimit("x", "2/minute", clock)
        assert [limit.hit("a")[0] for _ in range(3)] == [True, True, False]
        clock.now += 59
        assert limit.hit("a")[:2] == (False, 1)
        clock.now += 1
        assert limit.hit("a")[:2] == (True, 60)

    def test_the_number_of_windows_is_bounded_and_the_oldest_goes(self) -> None:
        clock = ManualClock(NOW)
        windows = FixedWindowStorage(clock, max_keys=100)
        for number in range(1000):
            windows.incr(f"{number}", 60)
        assert len(windows) == 100
        assert windows.get("999") == 1
        assert windows.get("0") == 0

    def test_what_limits_asks_of_a_storage_is_there(self) -> None:
        windows = FixedWindowStorage(ManualClock(NOW))
        assert windows.check()
        windows.incr("a", 60)
        windows.incr("b", 60)
        windows.clear("a")
        assert (windows.get("a"), windows.get("b")) == (0, 1)
        assert windows.get_expiry("b") == NOW + 60
        assert windows.reset() == 1


@pytest.mark.parametrize("rate", ["600/minute", "10 / second", "5/2 hours", "1/day", ""])
def test_a_rate_that_the_settings_take_is_one_that_limits_takes(rate: str) -> None:
    settings = Settings.parse({"ISSUER": "https://x", "RATE_LIMIT_CLIENTS": rate})
    assert not rate or RateLimit("x", settings.rate_limit_clients, time.time).hit("a")[0]


@pytest.mark.parametrize("rate", ["600", "0/minute", "-1/minute", "1/week", "1/minute;2/hour", "x"])
def test_what_is_no_rate_is_refused_at_start(rate: str) -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT_BAD_TOKENS"):
        Settings.parse({"ISSUER": "https://x", "RATE_LIMIT_BAD_TOKENS": rate})
