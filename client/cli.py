"""The command line: run the requested command and turn its errors into messages and exit codes.

If the first argument is the word of a command (``client.commands``), that is run; anything else is
the request of the Okta sample, ``URL [METHOD] [JSON]``, with its JSON response on stdout.
"""

from client import __version__
from client.arguments import RequestArguments, build_parser, validate_arguments
from client.commands import COMMANDS
from client.environment import Environment
from client.exit_codes import ExitCode, exit_code_of
from client.output import write_json, write_text
from encore.client.errors import ClientError


def main(environment: Environment) -> ExitCode:
    """Run the command that the arguments select; return the exit code."""
    try:
        command = COMMANDS.get(environment.argv[0]) if environment.argv else None
        run = run_request if command is None else command.load()
        return run(environment)
    except ClientError as error:
        environment.echo_err(str(error))
        return exit_code_of(error)
    except KeyboardInterrupt:
        environment.echo_err("Interrupted.")
        return ExitCode.INTERRUPTED


def run_request(environment: Environment) -> ExitCode:
    """Send the request that the arguments describe and print the response.

    Raises:
        ClientError: See ``encore.client.errors``; nothing was printed.
    """
    parser = build_parser()
    # Intermixed, so that --insecure may be between URL and METHOD.
    parsed = parser.parse_intermixed_args(environment.argv)
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    if parsed.version:
        return write_text(environment, f"client {__version__}")
    return _send(environment, validate_arguments(parser, parsed, environment.stdin))


def _send(environment: Environment, arguments: RequestArguments) -> ExitCode:
    # Imported only when there is a request to send: these take most of the start-up time.
    from client.settings import load_settings  # noqa: PLC0415 - start-up.
    from encore.client.api import Api  # noqa: PLC0415 - start-up.

    settings = load_settings(environment.variables, environment.directory)
    empty = object()  # Distinguishes "no body" from the JSON value null, which is printed.
    with Api(settings, insecure=arguments.insecure) as api:
        value = api.request(arguments.method, arguments.url, arguments.body, empty=empty)
    return ExitCode.OK if value is empty else write_json(environment, value)
