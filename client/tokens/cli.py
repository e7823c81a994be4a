"""The commands ``token`` and ``logout``."""

import time

from client.arguments import OnceArgumentParser
from client.environment import Environment
from client.exit_codes import ExitCode
from client.output.text import write_json, write_text
from client.tokens.access_tokens import AccessTokens
from client.tokens.choosing import EnvironmentToken, choose_token
from encore.client.errors import UsageError

_DESCRIPTION = """\
Print the token that a request would send, alone on stdout:
curl -H "Authorization: Bearer $(python -m client token)" http://localhost:3000/parts

It is the one of TOKEN, of client credentials, or of a login: docs/how-to/log-in.md.
"""


def run_token(environment: Environment) -> ExitCode:
    """Print the token that a request would send, or what is in it.

    Raises:
        ClientError: There is no token; see ``encore.client.errors``.
    """
    parser = _token_parser()
    parsed = parser.parse_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    choice = choose_token(environment)
    if parsed.renew and isinstance(choice, EnvironmentToken):
        raise UsageError("--renew: TOKEN is in the environment, and cannot be renewed.")
    with AccessTokens(choice, insecure=parsed.insecure) as tokens:
        cached = choice.load_cached() if parsed.renew else ""
        token = tokens.renew(cached) if cached else tokens.get()
    if not parsed.decode:
        return write_text(environment, token)
    return _write_decoded(environment, token)


def run_logout(environment: Environment) -> ExitCode:
    """Remove a login and the cached tokens.

    Raises:
        ClientError: The issuer could not revoke the login.
    """
    parser = OnceArgumentParser(
        prog="python -m client logout",
        description="End the login at ISSUER, and remove the cached tokens of ISSUER.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("--all", action="store_true", help="of every issuer")
    parser.add_argument("--insecure", action="store_true", help="http:// to another machine")
    parser.add_argument("-h", "--help", action="store_true", help="print this text and exit")
    parsed = parser.parse_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    from client.tokens.logout import log_out  # noqa: PLC0415 - start-up.

    log_out(environment, every_issuer=parsed.all, insecure=parsed.insecure)
    return ExitCode.OK


def _token_parser() -> OnceArgumentParser:
    from argparse import RawDescriptionHelpFormatter  # noqa: PLC0415 - loaded already

    parser = OnceArgumentParser(
        prog="python -m client token",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--decode", action="store_true", help="print header and claims as JSON, without verifying")
    add("--renew", action="store_true", help="request a new token, and keep that")
    add("--insecure", action="store_true", help="send the secret over http:// to another machine")
    add("-h", "--help", action="store_true", help="print this text and exit")
    return parser


def _write_decoded(environment: Environment, token: str) -> ExitCode:
    from client.tokens.decoding import decode_token, describe_times  # noqa: PLC0415 - start-up.

    decoded = decode_token(token)
    environment.echo_err("Decoded, not verified: the signature was not checked.")
    for line in describe_times(decoded["claims"], time.time()):
        environment.echo_err(line)
    return write_json(environment, decoded)
