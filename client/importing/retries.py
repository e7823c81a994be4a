"""Trying again what may work soon: exponential backoff with jitter, and Retry-After (RFC 9110).

A small loop of our own. The library stamina tells of each retry through hooks that all of a
process share, by default through structlog to standard output; it does not say how long it will
wait, and takes 100 ms to import.
"""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from client.errors import ClientError, NetworkError

RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may pass; any other says that the same request will fare the same."""

DEFAULT_ATTEMPTS: Final = 8
FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 60.0
LONGEST_RETRY_AFTER_SECONDS: Final = 300.0
"""A server that asks for more is asked again after this."""

_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_T = TypeVar("_T")


class Retries:
    """Runs something until it works, fails for good, or has failed too often.

    Args:
        attempts: How often in all, at least once.
        tell: Takes a line for a person before each wait.
        sleep: Waits this many seconds.
    """

    def __init__(
        self,
        attempts: int = DEFAULT_ATTEMPTS,
        tell: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._attempts = attempts
        self._tell = tell
        self._sleep = sleep

    def call(self, action: Callable[[], _T], passes: Callable[[ClientError], bool]) -> _T:
        """Give what an action gives in the end.

        Args:
            action: What may be done several times.
            passes: Whether an error may be gone the next time.

        Raises:
            ClientError: The last one.
        """
        attempt = 1
        while True:
            try:
                return action()
            except ClientError as error:
                if attempt >= self._attempts or not passes(error):
                    raise
                seconds = wait_seconds(attempt, error.retry_after)
                attempt += 1
                self._tell(
                    f"{error}\nTrying again in {seconds:.1f} s (attempt {attempt} of"
                    f" {self._attempts})."
                )
                self._sleep(seconds)


def may_pass(error: ClientError) -> bool:
    """Tell whether an error of the API, its issuer or the network may be gone the next time."""
    return isinstance(error, NetworkError) or error.status in RETRIED


def wait_seconds(attempt: int, retry_after: str = "") -> float:
    """Give how long to wait after a failure, in seconds.

    Args:
        attempt: The one that failed, from 1.
        retry_after: What the server asked for; more than our own wait, it goes before it.
    """
    longest: float = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
    # Half of it is left to chance, so that many clients do not come back at one moment.
    own = longest * random.uniform(0.5, 1)  # noqa: S311 - no secret depends on it.
    return max(own, min(read_retry_after(retry_after), LONGEST_RETRY_AFTER_SECONDS))


def read_retry_after(value: str) -> float:
    """Give the seconds of a Retry-After header: a number, or the time until a date; else 0."""
    value = value.strip()
    if _DIGITS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
