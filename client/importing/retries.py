"""Retries of transient failures: exponential backoff with jitter, and Retry-After (RFC 9110).

A small loop of our own. The library stamina reports each retry through hooks shared by the whole
process, by default through structlog to standard output; it does not report how long it will wait,
and takes 100 ms to import.
"""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from client.errors import ClientError, NetworkError

RETRY_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of transient failures; with any other, the same request would fail again."""

DEFAULT_ATTEMPTS: Final = 8
FIRST_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 60.0
MAX_RETRY_AFTER_SECONDS: Final = 300.0
"""A longer Retry-After is shortened to this."""

_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_T = TypeVar("_T")


class RetryPolicy:
    """Calls an action until it succeeds, fails permanently, or has failed too often.

    Args:
        attempts: The most calls in all, at least 1.
        echo: Receives a message before each wait.
        sleep: Waits this many seconds.
    """

    def __init__(
        self,
        attempts: int = DEFAULT_ATTEMPTS,
        echo: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._attempts = attempts
        self._echo = echo
        self._sleep = sleep

    def call(self, action: Callable[[], _T], should_retry: Callable[[ClientError], bool]) -> _T:
        """Return the result of an action.

        Args:
            action: May be called several times.
            should_retry: Whether the action may succeed after this error.

        Raises:
            ClientError: The last one.
        """
        attempt = 1
        while True:
            try:
                return action()
            except ClientError as error:
                if attempt >= self._attempts or not should_retry(error):
                    raise
                seconds = wait_seconds(attempt, error.retry_after)
                attempt += 1
                self._echo(
                    f"{error}\nTrying again in {seconds:.1f} s (attempt {attempt} of"
                    f" {self._attempts})."
                )
                self._sleep(seconds)


def is_transient(error: ClientError) -> bool:
    """Return whether a request to the API or its issuer may succeed after this error."""
    return isinstance(error, NetworkError) or error.status in RETRY_STATUSES


def wait_seconds(attempt: int, retry_after: str = "") -> float:
    """Return how long to wait after a failure, in seconds.

    Args:
        attempt: The number of the failed attempt, from 1.
        retry_after: The server's Retry-After; it overrides a shorter wait of ours.
    """
    longest: float = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), MAX_WAIT_SECONDS)
    # Half of it is random, so that many clients do not return at the same time.
    backoff = longest * random.uniform(0.5, 1)  # noqa: S311 - not used for a secret.
    return max(backoff, min(parse_retry_after(retry_after), MAX_RETRY_AFTER_SECONDS))


def parse_retry_after(value: str) -> float:
    """Return the seconds of a Retry-After header: a number, or the time until a date; else 0."""
    value = value.strip()
    if _DIGITS.fullmatch(value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)
