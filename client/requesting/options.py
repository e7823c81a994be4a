"""The options of a request, and which of them exclude each other."""

from typing import Final, NamedTuple

from client.requesting.messages import SAFE_METHODS
from encore.client.errors import UsageError

FORMATS: Final = ("table", "csv", "ndjson")
MAX_RETRIES: Final = 100


class RequestOptions(NamedTuple):
    """The options of a request."""

    verbose: bool = False
    offline: bool = False
    follow_pages: bool = False
    output_format: str = "json"
    """One of ``FORMATS``, or ``json``."""
    output: str | None = None
    """The path of a file; None for standard output."""
    timeout: float | None = None
    retries: int = 0
    json_errors: bool = False
    insecure: bool = False


def check_method(options: RequestOptions, method: str, *, has_key: bool, accept: str) -> None:
    """Raise ``UsageError`` if an option has no meaning for the request.

    Args:
        options: The options.
        method: In upper case.
        has_key: Whether the request has an ``Idempotency-Key``.
        accept: The header ``Accept`` as given; empty without one.
    """
    if options.follow_pages and method != "GET":
        raise UsageError(f"--all follows the pages of a list: it needs GET, not {method}.")
    if options.output_format in {"csv", "ndjson"}:
        if method != "GET":
            raise UsageError(
                f"--{options.output_format} writes the rows of a list: it needs GET, not {method}."
            )
        if accept:
            raise UsageError(f"Accept and --{options.output_format} exclude each other.")
    if method == "HEAD" and (options.output is not None or options.output_format == "table"):
        raise UsageError("HEAD has no body to write: -v shows the headers.")
    if options.retries and method not in SAFE_METHODS and not has_key:
        raise UsageError(
            f"--retries could carry out this {method} twice: send an Idempotency-Key too,"
            " such as Idempotency-Key:some-unique-text."
        )
