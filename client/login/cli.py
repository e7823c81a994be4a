"""The command ``login``."""

import argparse
from collections.abc import Mapping
from typing import Final

from client.arguments import OnceArgumentParser
from client.environment import Environment
from client.exit_codes import ExitCode
from client.output.text import write_text
from client.settings import read_settings
from encore.client.errors import ConfigurationError, UsageError
from encore.client.urls import require_https, validate_url

_SETTINGS: Final = ("ISSUER", "SCOPE", "AUDIENCE", "LOGIN_CLIENT_ID")
_DESCRIPTION: Final = """\
Log a person in at ISSUER; requests are then sent as that person, with a line that says so, unless
TOKEN, CLIENT_ID or CLIENT_SECRET is in the environment. python -m client logout ends it.
"""


def run_login(environment: Environment) -> ExitCode:
    """Log a person in, and keep the tokens.

    Raises:
        ClientError: There is no login; see ``encore.client.errors``.
    """
    parser = build_parser()
    parsed = parser.parse_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    if parsed.client_id == "":
        raise UsageError("--client-id must name a public client of ISSUER.")
    values = read_settings(environment.variables, environment.directory, _SETTINGS)
    _check_settings(values, insecure=parsed.insecure)
    from client.login.logging_in import LoginOptions, log_in  # noqa: PLC0415 - start-up: httpx.

    chosen = {name: getattr(parsed, name) for name in LoginOptions._fields}
    log_in(environment, LoginOptions(**chosen), values)
    return ExitCode.OK


def build_parser() -> OnceArgumentParser:
    """Return the parser, also used for its help text."""
    parser = OnceArgumentParser(
        prog="python -m client login",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--browser", action="store_true", help="with a browser on this machine")
    how.add_argument("--device", action="store_true", help="with a code, and any browser")
    add("--scope", metavar="SCOPES", help="separated by blanks (default: SCOPE)")
    add("--client-id", metavar="ID", help="a public client of ISSUER (default: LOGIN_CLIENT_ID)")
    add("--insecure", action="store_true", help="allow http:// to another machine")
    add("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def _check_settings(values: Mapping[str, str], *, insecure: bool) -> None:
    """Raise ``ConfigurationError`` or ``InsecureError`` unless ``ISSUER`` can be used."""
    if not values.get("ISSUER"):
        raise ConfigurationError("ISSUER is not set: the URL of the issuer, in .env.local.")
    validate_url(values["ISSUER"], "ISSUER", ConfigurationError)
    if not insecure:
        require_https(values["ISSUER"], "login")
