"""Retries: which errors, how often, how long the waits are."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import SourceError
from client.importing import retries
from client.importing.retries import RetryPolicy, is_transient
from encore.client.errors import (
    ApiRejectedError,
    ApiServerError,
    ClientError,
    IssuerError,
    NetworkError,
    UnexpectedResponseError,
)
from encore.client.retries import parse_retry_after


@pytest.fixture(autouse=True)
def _real_waits(monkeypatch: pytest.MonkeyPatch, _short_waits: None) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.5)


def waits(attempts: int, retry_after: str = "") -> list[float]:
    """Return the waits, in seconds, between the attempts of an action that always fails."""
    slept: list[float] = []

    def fail() -> None:
        raise ApiServerError("Busy.", 503, retry_after)

    with pytest.raises(ApiServerError):
        RetryPolicy(attempts, sleep=slept.append).call(fail, is_transient)
    return slept


def test_waits_double_to_a_minute_with_half_jitter() -> None:
    runs = [waits(10) for _ in range(50)]
    for longest, samples in zip(
        [0.5, 1, 2, 4, 8, 16, 32, 60, 60], zip(*runs, strict=True), strict=True
    ):
        assert longest / 2 <= min(samples) <= max(samples) <= longest
        assert len(set(samples)) > 1


def test_retry_after_only_lengthens_wait_to_five_minutes() -> None:
    assert waits(2, "7") == [7]
    assert waits(2, "100000") == [300]
    assert waits(9, "1")[-1] >= 30


def test_retry_after_accepts_http_date() -> None:
    until = datetime.now(UTC) + timedelta(seconds=100)
    assert 60 < parse_retry_after(format_datetime(until, usegmt=True)) <= 100
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(st.text() | st.sampled_from(["", "-1", "1.5", "soon", "9" * 30, "Wed, 99 Oct 2015"]))
def test_malformed_retry_after_is_ignored(value: str) -> None:
    assert parse_retry_after(value) >= 0


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (NetworkError("a"), True),
        (ApiRejectedError("a", 429), True),
        (ApiServerError("a", 503), True),
        (ApiServerError("a", 501), False),
        (ApiRejectedError("a", 400), False),
        (ApiRejectedError("a", 401), False),
        (IssuerError("a", 503), True),
        (IssuerError("a", 401), False),
        (UnexpectedResponseError("a"), False),
        (SourceError("a"), False),
    ],
)
def test_only_transient_errors_are_retried(error: ClientError, *, passes: bool) -> None:
    assert is_transient(error) is passes


def test_message_and_wait_before_each_retry() -> None:
    messages: list[str] = []
    slept: list[float] = []
    failures = [ApiServerError("Busy.", 503, "2"), NetworkError("Gone.")]

    def act() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    assert RetryPolicy(3, messages.append, slept.append).call(act, is_transient) == "done"
    assert slept[0] == 2
    assert 0.5 <= slept[1] <= 1
    assert messages[0] == "Busy.\nTrying again in 2.0 s (attempt 2 of 3)."
    assert messages[1].startswith("Gone.\nTrying again in ")


def test_last_error_is_raised() -> None:
    failures = [NetworkError("first"), NetworkError("last")]

    def act() -> None:
        raise failures.pop(0)

    with pytest.raises(NetworkError, match="last"):
        RetryPolicy(2, sleep=lambda _: None).call(act, is_transient)
