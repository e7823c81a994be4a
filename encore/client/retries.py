"""Retries: which requests may be sent again, after which failures, and when."""

import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from encore.client.errors import ClientError, NetworkError, NetworkTimeoutError

if TYPE_CHECKING:
    import httpx

DEFAULT_RETRIES: Final = 2
FIRST_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 30.0
"""A longer Retry-After is left to the caller: the error is raised at once."""

RETRY_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
"""Of failures that may be over soon."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_CONFLICT: Final = 409
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)


def may_be_sent_again(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request that got no response can be sent again without doing more."""
    return method in SAFE_METHODS or any(name.lower() == "idempotency-key" for name in headers)


def seconds_after_response(response: "httpx.Response", attempt: int) -> float | None:
    """Return how long to wait before a request is sent again; None if it is not.

    Args:
        response: Of a request that may be sent again.
        attempt: How often it was sent.
    """
    retry_after = response.headers.get("retry-after", "")
    # The first request with this idempotency key is in progress.
    is_busy = response.status_code == _CONFLICT and bool(retry_after)
    if response.status_code not in RETRY_STATUSES and not is_busy:
        return None
    wait = max(backoff_seconds(attempt), parse_retry_after(retry_after))
    return wait if wait <= MAX_WAIT_SECONDS else None


def seconds_after_error(error: ClientError, attempt: int) -> float | None:
    """Return how long to wait after a request without a response; None if it is not sent again.

    A timeout is not: the caller has said how long to wait.
    """
    if isinstance(error, NetworkError) and not isinstance(error, NetworkTimeoutError):
        return backoff_seconds(attempt)
    return None


def backoff_seconds(attempt: int) -> float:
    """Return a wait that doubles; half of it is random, so that clients do not return together."""
    longest: float = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), MAX_WAIT_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret


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
