"""How long is waited, and what for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import (
    ApiFailedError,
    ApiRefusedError,
    ClientError,
    IssuerRefusedError,
    NetworkError,
    SourceError,
    UnexpectedAnswerError,
)
from client.importing import retries
from client.importing.retries import Retries, may_pass, read_retry_after, wait_seconds


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch, _hurry: None) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.5)


def test_waits_double_up_to_a_minute_and_half_of_each_is_chance() -> None:
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 16, 32, 60, 60], 1):
        waits = {wait_seconds(attempt) for _ in range(50)}
        assert longest / 2 <= min(waits) <= max(waits) <= longest
        assert len(waits) > 1


def test_retry_after_lengthens_a_wait_to_five_minutes_at_most_and_never_shortens_one() -> None:
    assert wait_seconds(1, "7") == 7
    assert wait_seconds(1, "100000") == 300
    assert wait_seconds(8, "1") >= 30


def test_retry_after_may_be_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    assert 95 < read_retry_after(format_datetime(moment, usegmt=True)) <= 100
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(st.text() | st.sampled_from(["", "-1", "1.5", "soon", "9" * 30, "Wed, 99 Oct 2015"]))
def test_a_retry_after_that_is_none_is_no_error(value: str) -> None:
    assert read_retry_after(value) >= 0


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (NetworkError("a"), True),
        (ApiRefusedError(429, "a"), True),
        (ApiFailedError(503, "a"), True),
        (ApiFailedError(501, "a"), False),
        (ApiRefusedError(400, "a"), False),
        (ApiRefusedError(401, "a"), False),
        (IssuerRefusedError("a", 503), True),
        (IssuerRefusedError("a", 401), False),
        (UnexpectedAnswerError("a"), False),
        (SourceError("a"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: ClientError, *, passes: bool) -> None:
    assert may_pass(error) is passes


def test_it_is_told_and_waited_before_each_attempt_but_the_first() -> None:
    told: list[str] = []
    slept: list[float] = []
    failures = [ApiFailedError(503, "Busy.", "2"), NetworkError("Gone.")]

    def act() -> str:
        if failures:
            raise failures.pop(0)
        return "done"

    assert Retries(3, told.append, slept.append).call(act, may_pass) == "done"
    assert slept[0] == 2
    assert 0.5 <= slept[1] <= 1
    assert told[0] == "Busy.\nTrying again in 2.0 s (attempt 2 of 3)."
    assert told[1].startswith("Gone.\nTrying again in ")


def test_the_last_failure_is_the_one_that_is_raised() -> None:
    failures = [NetworkError("first"), NetworkError("last")]

    def act() -> None:
        raise failures.pop(0)

    with pytest.raises(NetworkError, match="last"):
        Retries(2, sleep=lambda _: None).call(act, may_pass)
