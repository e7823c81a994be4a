"""The command line of an import: ``import timesheets SOURCE`` and its options."""

import argparse
from datetime import date
from pathlib import Path
from typing import Final

from client.arguments import Parser

PROGRAM: Final = "python -m client import"

_EPILOG: Final = """\
ISSUER, CLIENT_ID, CLIENT_SECRET and AUDIENCE are read from the process environment, then from
.env.local, then from .env in the current directory; so are IMPORT_URL, IMPORT_SOURCE_TOKEN,
IMPORT_SOURCE_USER and IMPORT_SOURCE_PASSWORD. docs/import.md tells it all.

exit codes: 0 all rows are in, 1 usage, 3 some rows were rejected, 4 refused to send a secret in
clear, 5 network, 6 refused by the issuer, 7 refused by the API, 8 API failed, 9 unexpected answer,
10 checkpoint or rejected rows cannot be written, 11 settings or mapping, 12 SOURCE cannot be read,
13 the same import is running, 130 interrupted
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser, for its help text too."""
    parser = Parser(
        prog=PROGRAM,
        description="Import the rows of an external system; each is there once, however often.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("what", nargs="?", choices=["timesheets"], metavar="timesheets", help="what to import")
    add("source", nargs="?", metavar="SOURCE", help="a file, an http(s) URL, or - for stdin")
    add("--mapping", type=Path, metavar="FILE", help="TOML: which column is which field")
    add(
        "--format",
        dest="kind",
        choices=["csv", "ndjson", "json"],
        help="(default: as SOURCE's suffix says)",
    )
    add("--since", type=_date, metavar="DATE", help="leave out rows of earlier days: YYYY-MM-DD")
    add("--batch-size", type=int, metavar="N", help="rows a request, to 10000 (default: 1000)")
    add("--attempts", type=int, metavar="N", help="how often a request is tried (default: 8)")
    add("--dry-run", action="store_true", help="only say what would become of the rows")
    add("--restart", action="store_true", help="do not go on where an earlier run broke off")
    add("--state", type=Path, metavar="DIR", help="checkpoint, lock, rejects (default: .import)")
    add("--job", metavar="NAME", help="names them (default: the mapping's source, or SOURCE)")
    add("--rejected", type=Path, metavar="FILE", help="where rejected rows go, with the reason")
    add("--url", help="what is uploaded to (default: IMPORT_URL)")
    add("--insecure", action="store_true", help="send secrets over http:// to another machine")
    add("--quiet", action="store_true", help="say nothing if all rows go in")
    add("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2017-05-10") from error
