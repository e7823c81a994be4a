"""Command-line arguments of a request: ``URL [METHOD] [JSON]``, as in the Okta sample.

Everything that can be validated without the network is validated here: the form of URL and
method, and whether the body is JSON.
"""

import argparse
import re
from typing import Final, NamedTuple, NoReturn, TextIO

from encore.client.errors import UsageError
from encore.client.strict_json import parse_json
from encore.client.urls import validate_url

PROGRAM: Final = "python -m client"

_METHOD: Final = re.compile(r"[A-Za-z]+")
_EPILOG: Final = """\
ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE and AUDIENCE are read from the process environment, then
from .env.local, then from .env in the current directory.

The other command imports timesheets: see python -m client import --help.

exit codes: 0 success, 1 usage, 3 some imported rows rejected, 4 refused to send a token in clear,
5 network, 6 rejected by the issuer, 7 rejected by the API, 8 API failed, 9 unexpected response,
10 output, 11 settings, 12 source of an import, 13 the same import is running, 14 all imported rows
rejected, 130 interrupted
"""


class RequestArguments(NamedTuple):
    """A validated request from the command line."""

    url: str
    method: str
    body: bytes | None
    """The JSON text in UTF-8, sent unchanged so that numbers keep their digits."""
    insecure: bool


class RaisingArgumentParser(argparse.ArgumentParser):
    """Raises ``UsageError`` where argparse would exit the process."""

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError`` with the usage and the message."""
        raise UsageError(f"{self.format_usage()}{self.prog}: {message}")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, also used for its help and usage texts."""
    parser = RaisingArgumentParser(
        prog=PROGRAM,
        description="Send one request to the API, with a token from ISSUER; print the response.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("url", nargs="?", metavar="URL", help="the URL to request")
    parser.add_argument("method", nargs="?", metavar="METHOD", help="in any case (default: GET)")
    parser.add_argument("json", nargs="?", metavar="JSON", help="the body; - reads it from stdin")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="send the token over http:// to another machine, where others can read it",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def validate_arguments(
    parser: argparse.ArgumentParser, parsed: argparse.Namespace, stdin: TextIO
) -> RequestArguments:
    """Return the requested URL, method and body.

    Args:
        parser: For its usage text.
        parsed: What the parser returned.
        stdin: Read when the body is ``-``.

    Raises:
        UsageError: An argument is missing or malformed.
    """
    if not parsed.url:
        raise UsageError(parser.format_usage().rstrip())
    validate_url(parsed.url, "URL", UsageError)
    method = parsed.method or "GET"
    if not _METHOD.fullmatch(method):
        raise UsageError(
            f"METHOD must be a word such as get, post, put, patch or delete, not {method[:40]!r}."
        )
    body = None
    # As in the Okta sample, an empty argument means no body.
    if parsed.json:
        body = validate_json(_read(stdin) if parsed.json == "-" else parsed.json)
    return RequestArguments(parsed.url, method.upper(), body, parsed.insecure)


def validate_json(raw: str) -> bytes:
    """Return JSON text encoded as UTF-8, otherwise unchanged.

    Raises:
        UsageError: It is not JSON (RFC 8259: no NaN, no Infinity) or not UTF-8.
    """
    try:
        # Numbers are not converted: only their syntax is checked, whatever their length.
        parse_json(raw, parse_int=str, parse_float=str)
        return raw.encode("utf-8")
    except ValueError as error:
        raise UsageError(f"JSON is malformed, nothing was sent: {error}.") from error


def _read(stdin: TextIO) -> str:
    try:
        return stdin.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"JSON cannot be read from stdin: {error}.") from error
