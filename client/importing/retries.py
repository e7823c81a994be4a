"""Retries of transient failures: exponential backoff with jitter, and Retry-After (RFC 9110).

tenacity runs the attempts and computes the backoff; what is retried, the server's Retry-After and
the messages are ours.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random_exponential,
)

from encore.client.errors import ClientError, NetworkError
from encore.client.retries import parse_retry_after

RETRY_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of transient failures; with any other, the same request would fail again."""

DEFAULT_ATTEMPTS: Final = 8
FIRST_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 60.0
MAX_RETRY_AFTER_SECONDS: Final = 300.0
"""A longer Retry-After is shortened to this."""

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
        # Half of each wait is random, so that many clients do not return at the same time.
        first, longest = FIRST_WAIT_SECONDS / 2, MAX_WAIT_SECONDS / 2
        self._backoff = wait_exponential(first, longest) + wait_random_exponential(first, longest)

    def call(self, action: Callable[[], _T], should_retry: Callable[[ClientError], bool]) -> _T:
        """Return the result of an action.

        Args:
            action: May be called several times.
            should_retry: Whether the action may succeed after this error.

        Raises:
            ClientError: The last one.
        """
        retrying = Retrying(
            retry=retry_if_exception(lambda e: isinstance(e, ClientError) and should_retry(e)),
            stop=stop_after_attempt(self._attempts),
            wait=self._wait_seconds,
            before_sleep=self._echo_retry,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(action)

    def _wait_seconds(self, state: RetryCallState) -> float:
        """Return how long to wait after a failure: our backoff, or a longer Retry-After."""
        error = state.outcome and state.outcome.exception()
        retry_after = parse_retry_after(error.retry_after) if isinstance(error, ClientError) else 0
        return max(self._backoff(state), min(retry_after, MAX_RETRY_AFTER_SECONDS))

    def _echo_retry(self, state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        self._echo(
            f"{error}\nTrying again in {state.upcoming_sleep:.1f} s (attempt"
            f" {state.attempt_number + 1} of {self._attempts})."
        )


def is_transient(error: ClientError) -> bool:
    """Return whether a request to the API or its issuer may succeed after this error."""
    return isinstance(error, NetworkError) or error.status in RETRY_STATUSES
