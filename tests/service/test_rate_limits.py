"""Rate limits: invalid tokens by address, requests by client, and the storage of the counters."""

import time

import httpx
import pytest

from encore.auth.fixed_window_storage import FixedWindowStorage
from encore.auth.rate_limits import RateLimit
from encore.http.client_address import client_network
from encore.settings import Settings, SettingsError
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import ManualClock

NOW = 1_700_000_000


@pytest.fixture(scope="module")
def limited(start_gate: StartGate) -> RunningGate:
    return start_gate(RATE_LIMIT_CLIENTS="3/hour", RATE_LIMIT_BAD_TOKENS="3/hour")


def test_client_over_its_rate_is_429_and_another_client_is_not(
    limited: RunningGate,
) -> None:
    headers = limited.bearer(cid="greedy", sub="greedy")
    for remaining in (2, 1, 0):
        response = httpx.get(f"{limited.url}/items", headers=headers)
        assert response.status_code == 200
        assert response.headers["ratelimit-policy"] == '"clients";q=3;w=3600'
        name, r, t = response.headers["ratelimit"].split(";")
        assert (name, r) == ('"clients"', f"r={remaining}")
        assert 0 < int(t.removeprefix("t=")) <= 3600
    response = httpx.post(f"{limited.url}/items", headers=headers, json={"name": "one too many"})
    assert_problem(response, 429, "too-many-requests", "Too many requests of this user or client")
    assert 0 < int(response.headers["retry-after"]) <= 3600
    assert response.headers["ratelimit"].startswith('"clients";r=0;t=')
    assert "www-authenticate" not in response.headers
    assert not limited.rows()
    line = limited.log_line_of(response)
    assert (line["client"], line["reason"]) == ("greedy", "rate-limit-client")
    other = httpx.get(f"{limited.url}/items", headers=limited.bearer(cid="modest", sub="modest"))
    assert other.status_code == 200


def test_users_of_one_client_have_a_rate_each(limited: RunningGate) -> None:
    users = [limited.bearer(cid="web", sub=name) for name in ("ada", "bob") for _ in range(3)]
    for headers in users:
        assert httpx.get(f"{limited.url}/items", headers=headers).status_code == 200


def test_token_that_identifies_no_principal_counts_as_invalid(start_gate: StartGate) -> None:
    gate = start_gate(RATE_LIMIT_CLIENTS="3/hour", RATE_LIMIT_BAD_TOKENS="2/hour")
    responses = [
        httpx.get(f"{gate.url}/items", headers=gate.bearer(sub=..., jti=f"{n}")) for n in range(3)
    ]
    assert [response.status_code for response in responses] == [403, 403, 429]
    assert_problem(
        responses[0],
        403,
        "forbidden",
        "The token identifies neither a user nor a client: it has no sub",
    )
    assert gate.log_line_of(responses[0])["reason"] == "principal-unknown"


def test_client_rate_applies_across_tokens_and_counts_403(
    limited: RunningGate,
) -> None:
    responses = [
        httpx.get(
            f"{limited.url}/items",
            headers=limited.bearer(cid="sly", sub="sly", jti=f"{n}", scp=["x"]),
        ).status_code
        for n in range(4)
    ]
    assert responses == [403, 403, 403, 429]


def test_invalid_tokens_over_the_rate_are_429_while_valid_ones_pass(
    limited: RunningGate,
) -> None:
    invalid = {"Authorization": "Bearer asdf"}
    responses = [httpx.get(f"{limited.url}/items", headers=invalid) for _ in range(5)]
    assert [response.status_code for response in responses] == [401, 401, 401, 429, 429]
    assert "ratelimit" not in responses[0].headers
    assert_problem(responses[-1], 429, "too-many-requests")
    assert limited.log_line_of(responses[-1])["reason"] == "rate-limit-bad-tokens"
    assert httpx.get(f"{limited.url}/items").status_code == 401  # A missing token does not count.
    valid = httpx.get(f"{limited.url}/items", headers=limited.bearer(sub="neighbour"))
    assert valid.status_code == 200
    assert httpx.get(f"{limited.url}/livez").status_code == 200


def test_service_without_rate_limits_sends_no_ratelimit_headers(gate: RunningGate) -> None:
    response = httpx.get(f"{gate.url}/items", headers=gate.bearer())
    assert not [name for name in response.headers if name.startswith("ratelimit")]


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002::/64"),
        ("2001:db8:1:2:ffff::1", "20010db800010002::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "unknown"),
    ],
)
def test_client_network_is_an_ipv4_address_or_an_ipv6_network(host: str, network: str) -> None:
    assert client_network(host).lstrip("0") == network.lstrip("0")


class TestFixedWindowStorage:
    def test_window_starts_with_the_first_request_after_the_last_one(self) -> None:
        clock = ManualClock(NOW)
        limit = RateLimit("x", "2/minute", clock)
        assert [limit.hit("a")[0] for _ in range(3)] == [True, True, False]
        clock.now += 59
        assert limit.hit("a")[:2] == (False, 1)
        clock.now += 1
        assert limit.hit("a")[:2] == (True, 60)

    def test_full_storage_drops_the_oldest_window(self) -> None:
        clock = ManualClock(NOW)
        storage = FixedWindowStorage(clock, max_keys=100)
        for number in range(1000):
            storage.incr(f"{number}", 60)
        assert len(storage) == 100
        assert storage.get("999") == 1
        assert storage.get("0") == 0

    def test_storage_implements_the_interface_of_limits(self) -> None:
        storage = FixedWindowStorage(ManualClock(NOW))
        assert storage.check()
        storage.incr("a", 60)
        storage.incr("b", 60)
        storage.clear("a")
        assert (storage.get("a"), storage.get("b")) == (0, 1)
        assert storage.get_expiry("b") == NOW + 60
        assert storage.reset() == 1


@pytest.mark.parametrize("rate", ["600/minute", "10 / second", "5/2 hours", "1/day", ""])
def test_rate_accepted_by_settings_is_accepted_by_limits(rate: str) -> None:
    settings = Settings.parse({"ISSUER": "https://x", "RATE_LIMIT_CLIENTS": rate})
    assert not rate or RateLimit("x", settings.rate_limit_clients, time.time).hit("a")[0]


@pytest.mark.parametrize("rate", ["600", "0/minute", "-1/minute", "1/week", "1/minute;2/hour", "x"])
def test_invalid_rate_is_rejected(rate: str) -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT_BAD_TOKENS"):
        Settings.parse({"ISSUER": "https://x", "RATE_LIMIT_BAD_TOKENS": rate})
