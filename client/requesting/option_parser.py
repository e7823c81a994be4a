"""Parsing options; not imported for a request without any."""

import argparse
from typing import Final

from client.arguments import RaisingArgumentParser, StoreOnce
from client.requesting.options import FORMATS, MAX_RETRIES, RequestOptions
from client.requesting.usage import PROGRAM, USAGE
from encore.client.errors import UsageError

MAX_SECONDS: Final = 86_400.0


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
