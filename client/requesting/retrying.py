"""``--retries``: sending a request again after a transient failure."""

from collections.abc import Callable
from typing import Final

from client.importing.retries import RetryPolicy, is_transient
from client.requesting.messages import Response
from encore.client.errors import ClientError

_CONFLICT: Final = 409


def send_with_retries(
    attempt: Callable[[], Response], retries: int, echo: Callable[[str], None]
) -> Response:
    """Return the response of the first attempt that succeeds.

    Args:
        attempt: Sends the request, which may be carried out twice.
        retries: The most attempts after the first.
        echo: Receives a message before each wait.

    Raises:
        ClientError: The last failure.
    """
    return RetryPolicy(retries + 1, echo).call(attempt, should_retry)


def should_retry(error: ClientError) -> bool:
    """Return whether a request may succeed after this error.

    409 with Retry-After: the first request with this idempotency key is still in progress.
    """
    return is_transient(error) or (error.status == _CONFLICT and bool(error.retry_after))
