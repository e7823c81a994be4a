"""The options of a request, and which of them exclude each other."""

import argparse
from typing import Final, NamedTuple

from client.arguments import RaisingArgumentParser, StoreOnce
from client.requesting.messages import SAFE_METHODS
from client.requesting.usage import PROGRAM, USAGE
from encore.client.errors import UsageError

FORMATS: Final = ("table", "csv", "ndjson")
MAX_SECONDS: Final = 86_400.0
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


def build_parser() -> RaisingArgumentParser:
    """Return the parser of a request."""
    parser = RaisingArgumentParser(prog=PROGRAM, usage=USAGE, add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("arguments", nargs="*")
    add("-H", "--header", action="append", default=[], dest="headers")
    add("-v", "--verbose", action="store_true")
    add("--offline", action="store_true")
    add("--all", action="store_true")
    for name in FORMATS:
        add(f"--{name}", action="store_true")
    add("-o", "--output", action=StoreOnce)
    add("--timeout", action=StoreOnce)
    add("--retries", action=StoreOnce)
    add("--json-errors", action="store_true")
    add("--insecure", action="store_true")
    add("--version", action="store_true")
    add("-h", "--help", action="store_true")
    return parser


def parse_options(parsed: argparse.Namespace) -> RequestOptions:
    """Return the options. Raise ``UsageError`` if one is malformed or excludes another."""
    formats = [name for name in FORMATS if getattr(parsed, name)]
    if len(formats) > 1:
        raise UsageError(f"--{formats[0]} and --{formats[1]} exclude each other.")
    if parsed.offline and parsed.output is not None:
        raise UsageError("--offline receives no response: --output has nothing to write.")
    if parsed.output == "":
        raise UsageError("--output must name a file.")
    return RequestOptions(
        verbose=parsed.verbose,
        offline=parsed.offline,
        follow_pages=parsed.all,
        output_format=formats[0] if formats else "json",
        output=parsed.output,
        timeout=_parse_timeout(parsed.timeout),
        retries=_parse_retries(parsed.retries),
        json_errors=parsed.json_errors,
        insecure=parsed.insecure,
    )


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


def _parse_timeout(raw: str | None) -> float | None:
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        seconds = 0.0
    # Not a number is not between the limits either.
    if not 0 < seconds <= MAX_SECONDS:
        raise UsageError(
            f"--timeout must be a number of seconds, above 0 and to {MAX_SECONDS:.0f}."
        )
    return seconds


def _parse_retries(raw: str | None) -> int:
    if raw is None:
        return 0
    if not raw.isascii() or not raw.isdigit() or int(raw[:9]) > MAX_RETRIES:
        raise UsageError(f"--retries must be an integer from 0 to {MAX_RETRIES}.")
    return int(raw)
