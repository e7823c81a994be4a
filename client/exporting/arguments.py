"""Command-line arguments of an export: ``export URL [NAME=VALUE ...]`` and its options."""

import argparse
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from client.arguments import OnceArgumentParser
from client.requesting.urls import resolve_url
from encore.client.errors import UsageError

PROGRAM: Final = "python -m client export"
STDOUT: Final = "-"

_FORMATS: Final = {"csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson"}
_MAX_RETRIES: Final = 100
_DESCRIPTION: Final = """\
Export all rows of a list, as the API streams them. NAME=VALUE are parameters of its query.

python -m client export parts --output parts.csv
python -m client export parts name__like=bread sort=-id --format ndjson | head
python -m client export parts --output parts.csv --resume
"""
_EPILOG: Final = """\
exit codes: 0 complete, 1 usage, 4 token in clear, 5 network, 6 issuer, 7 rejected by the API, 8 API
failed, 9 not a stream, 10 cannot be written, 11 settings, 13 the same file is being written, 130
interrupted, 141 output closed. docs/how-to/export.md has the details.
"""


class ExportOptions(NamedTuple):
    """A validated export."""

    url: str
    """Absolute, with its query."""
    format: str
    """``csv`` or ``ndjson``."""
    output: str
    """The path of a file, or ``-``."""
    gzip: bool
    resume: bool
    timeout: float | None
    retries: int
    quiet: bool
    insecure: bool


def build_parser() -> OnceArgumentParser:
    """Return the parser, also used for its help text."""
    parser = OnceArgumentParser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("url", nargs="?", metavar="URL", help="the URL of a list, such as parts")
    add("parameters", nargs="*", metavar="NAME=VALUE", help="filters, sort, fields, ...")
    add("--format", choices=["csv", "ndjson"], help="(default: from the suffix of FILE)")
    add("-o", "--output", metavar="FILE", help="- is standard output (default: -)")
    add("--gzip", action="store_true", help="compress the file (default if FILE ends with .gz)")
    add("--resume", action="store_true", help="continue where an earlier export to FILE stopped")
    add("--timeout", type=float, metavar="SECONDS", help="for a connection, and the next bytes")
    add("--retries", type=int, default=0, metavar="N", help="continue after failures (default: 0)")
    add("--quiet", action="store_true", help="print errors only")
    add("--insecure", action="store_true", help="send the token over http:// to another machine")
    add("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def validate_arguments(
    parser: argparse.ArgumentParser, parsed: argparse.Namespace, read_api_url: Callable[[], str]
) -> ExportOptions:
    """Return the export that the arguments describe.

    Raises:
        UsageError: An argument is missing, malformed, or contradicts another.
        ConfigurationError: ``API_URL`` is malformed.
    """
    if not parsed.url:
        raise UsageError(parser.format_usage().rstrip())
    if parsed.output == "":
        raise UsageError("--output must name a file; - is standard output.")
    output = parsed.output or STDOUT
    if not 0 <= parsed.retries <= _MAX_RETRIES:
        raise UsageError(f"--retries must be between 0 and {_MAX_RETRIES}.")
    if parsed.timeout is not None and not 0 < parsed.timeout < 86_400:  # noqa: PLR2004 - a day
        raise UsageError("--timeout must be a number of seconds above 0.")
    if parsed.resume and output == STDOUT:
        raise UsageError("--resume needs --output FILE: what was printed cannot be continued.")
    return ExportOptions(
        url=_build_url(resolve_url(parsed.url, read_api_url), parsed.parameters),
        format=_choose_format(parsed.format, output),
        output=output,
        gzip=parsed.gzip or output.endswith(".gz"),
        resume=parsed.resume,
        timeout=parsed.timeout,
        retries=parsed.retries,
        quiet=parsed.quiet,
        insecure=parsed.insecure,
    )


def _build_url(url: str, parameters: Sequence[str]) -> str:
    if urlsplit(url).fragment:
        raise UsageError("URL must not have a fragment: # in a query is written %23.")
    pairs = []
    for parameter in parameters:
        name, separator, value = parameter.partition("=")
        if not separator or not name:
            raise UsageError(f"{parameter[:40]!r} must be NAME=VALUE, such as name__like=bread.")
        # httpie writes parameters with two equals signs.
        pairs.append((name, value.removeprefix("=")))
    if not pairs:
        return url
    try:
        query = urlencode(pairs)
    except UnicodeEncodeError as error:  # Bytes of the command line.
        raise UsageError("A parameter is not UTF-8, nothing was sent.") from error
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}".replace("?&", "?")


def _choose_format(chosen: str | None, output: str) -> str:
    if chosen is not None:
        return chosen
    suffix = output.removesuffix(".gz").rpartition(".")[2].lower() if output != STDOUT else ""
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    raise UsageError("--format csv or --format ndjson is needed: the suffix of FILE says neither.")
