"""The command line: ``URL [METHOD] [JSON]``, the Okta sample's.

Everything that can be judged without the network is judged here: the URL's form, the method's,
and whether the body is JSON.
"""

import argparse
import re
from typing import NamedTuple, NoReturn, TextIO

from client.address import check_url
from client.errors import UsageError

PROGRAM = "python -m client"

_METHOD = re.compile(r"[A-Za-z]+")
_EPILOG = """\
ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE and AUDIENCE are read from the process environment, then
from .env.local, then from .env in the current directory.

python -m client import --help tells of the other command: importing timesheets.

exit codes: 0 success, 1 usage, 3 some imported rows rejected, 4 refused to send a token in clear,
5 network, 6 refused by the issuer, 7 refused by the API, 8 API failed, 9 unexpected answer,
10 output, 11 settings, 12 source of an import, 13 the same import is running, 130 interrupted
"""


class Arguments(NamedTuple):
    """A request, as asked for on the command line."""

    url: str
    method: str
    body: bytes | None
    """The JSON text as given, in UTF-8; sent as it is, so that no number changes its digits."""
    insecure: bool


class Parser(argparse.ArgumentParser):
    """Raises ``UsageError`` where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise UsageError(f"{self.format_usage()}{self.prog}: {message}")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser, for its help and usage texts too."""
    parser = Parser(
        prog=PROGRAM,
        description="Send one request to the API, with a token from ISSUER; print the answer.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("url", nargs="?", metavar="URL", help="what to ask for")
    parser.add_argument("method", nargs="?", metavar="METHOD", help="in any case (default: GET)")
    parser.add_argument("json", nargs="?", metavar="JSON", help="the body; - reads it from stdin")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="send the token over http:// to another machine, where anyone on the way can read it",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def check_arguments(
    parser: argparse.ArgumentParser, asked: argparse.Namespace, stdin: TextIO
) -> Arguments:
    """Give the request that was asked for.

    Args:
        parser: For its usage text.
        asked: What it parsed.
        stdin: Read when the body is ``-``.

    Raises:
        UsageError: Something is missing or malformed.
    """
    if not asked.url:
        raise UsageError(parser.format_usage().rstrip())
    check_url(asked.url, "URL", UsageError)
    method = asked.method or "GET"
    if not _METHOD.fullmatch(method):
        raise UsageError(
            f"METHOD must be a word such as get, post, put, patch or delete, not {method[:40]!r}."
        )
    body = None
    # The seed treats an empty body as none.
    if asked.json:
        body = check_json(_read(stdin) if asked.json == "-" else asked.json)
    return Arguments(asked.url, method.upper(), body, asked.insecure)


def check_json(text: str) -> bytes:
    """Give JSON text in UTF-8, unchanged.

    Raises:
        UsageError: It is not JSON (RFC 8259: no NaN, no Infinity) or not UTF-8.
    """
    import json  # noqa: PLC0415 - start-up: most requests have no body.

    try:
        # Numbers are not converted: only their form is judged, whatever their length.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
        return text.encode("utf-8")
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"JSON is malformed, nothing was sent: {reason}.") from error


def _read(stdin: TextIO) -> str:
    try:
        return stdin.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"JSON cannot be read from stdin: {error}.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
