"""Command-line arguments of an import: ``import timesheets SOURCE`` and its options."""

import argparse
from datetime import date
from pathlib import Path
from typing import Final

from client.arguments import RaisingArgumentParser

PROGRAM: Final = "python -m client import"

_EPILOG: Final = """\
ISSUER, CLIENT_ID, CLIENT_SECRET and AUDIENCE are read from the process environment, then from
.env.local, then from .env in the current directory; so are IMPORT_URL, IMPORT_SOURCE_TOKEN,
IMPORT_SOURCE_USER and IMPORT_SOURCE_PASSWORD. docs/how-to/import.md has the details.

exit codes: 0 all rows are imported or skipped, 1 usage, 3 some rows rejected, 4 refused to send a
secret in clear, 5 network, 6 rejected by the issuer, 7 rejected by the API, 8 API failed,
9 unexpected response, 10 checkpoint or rejected rows cannot be written, 11 settings or mapping,
12 SOURCE cannot be read, 13 the same import is running, 14 all rows rejected, 130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, also used for its help text."""
    parser = RaisingArgumentParser(
        prog=PROGRAM,
        description="Import rows of an external system; each is stored once, however often sent.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("resource", nargs="?", metavar="RESOURCE", help="timesheets, or any with an upload: parts")
    add("source", nargs="?", metavar="SOURCE", help="a file, an http(s) URL, or - for stdin")
    add("--key", metavar="FIELDS", help="what identifies rows of other resources, such as id")
    add("--mapping", type=Path, metavar="FILE", help="TOML, or a name of --list-mappings")
    add("--set", action="append", dest="overrides", metavar="KEY=VALUE", help="a key of it")
    add("--list-mappings", action="store_true", help="print the shipped mappings and exit")
    add("--show-mapping", metavar="NAME", help="print one of them, to be adapted, and exit")
    add(
        "--format",
        dest="file_format",
        choices=["csv", "ndjson", "json"],
        help="(default: from SOURCE's suffix or media type)",
    )
    add("--since", type=_parse_date, metavar="DATE", help="skip rows of earlier days: YYYY-MM-DD")
    add("--batch-size", type=int, metavar="N", help="rows a request, to 10000 (default: 1000)")
    add("--attempts", type=int, metavar="N", help="attempts of each request (default: 8)")
    add("--dry-run", action="store_true", help="show the rows and what an import would do")
    add("--preview", action="store_true", help="only map the rows, without network, and show them")
    add("--replace", action="store_true", help="withdraw what SOURCE no longer has in its period")
    add("--restart", action="store_true", help="do not resume an earlier run")
    add("--state", type=Path, metavar="DIR", help="checkpoint, lock, rejects (default: .import)")
    add("--job", metavar="NAME", help="their file name (default: the mapping's source, or SOURCE)")
    add("--rejected", type=Path, metavar="FILE", help="write rejected rows here, with the reason")
    add("--url", help="upload to this URL (default: IMPORT_URL)")
    add("--insecure", action="store_true", help="send secrets over http:// to another machine")
    add("--quiet", action="store_true", help="print nothing if all rows are imported")
    add("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def _parse_date(raw: str) -> date:
    try:
        return date.fromisoformat(raw)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a date like 2017-05-10, not {raw!r}") from error
