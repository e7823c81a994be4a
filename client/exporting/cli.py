"""The command ``export``."""

from client.environment import Environment
from client.exit_codes import ExitCode
from client.exporting.arguments import build_parser, validate_arguments
from client.output.text import write_text


def run_export(environment: Environment) -> ExitCode:
    """Run the export that the arguments describe.

    Raises:
        ClientError: See ``encore.client.errors``; the message says whether it can be resumed.
    """
    parser = build_parser()
    parsed = parser.parse_intermixed_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    options = validate_arguments(parser, parsed, lambda: _read_api_url(environment))
    # Imported only now: these take longer to import than the arguments to parse.
    from client.exporting.running import run_job  # noqa: PLC0415 - start-up.

    run_job(environment, options)
    return ExitCode.OK


def _read_api_url(environment: Environment) -> str:
    from client.settings import find_setting  # noqa: PLC0415 - start-up.

    found = find_setting(environment.variables, environment.directory, "API_URL")
    return found[0] if found else ""
