"""The command: send the request that the arguments describe, and print the response."""

from typing import Final

from client import __version__
from client.environment import Environment
from client.exit_codes import ExitCode
from client.output.text import write_text
from client.requesting.arguments import RequestArguments, parse_arguments
from encore.client.errors import ClientError

_SCREEN_COLUMNS: Final = 80


def run_request(environment: Environment) -> ExitCode:
    """Send the request that the arguments describe and print the response.

    Raises:
        ClientError: See ``encore.client.errors``. With ``--json-errors`` it is printed on stdout,
            too.
    """
    try:
        arguments = _parse(environment)
    except ClientError as error:
        if "--json-errors" in environment.argv:
            from client.requesting.json_errors import write_error  # noqa: PLC0415 - start-up.

            write_error(environment, error)
        raise
    if arguments == "help":
        return write_text(environment, _help())
    if isinstance(arguments, str):
        return write_text(environment, f"client {__version__}")
    if arguments.options.offline:
        from client.requesting.exchange import describe_request  # noqa: PLC0415 - start-up.

        shown = arguments.request.with_header("Authorization", "Bearer ***")
        return write_text(environment, describe_request(shown))
    # Imported only when there is a request to send: these take most of the start-up time.
    from client.requesting.running import send_request  # noqa: PLC0415 - start-up.

    return send_request(environment, arguments)


def _parse(environment: Environment) -> RequestArguments | str:
    """Return the request, or what is printed instead. Raise ``ClientError``."""
    arguments = parse_arguments(environment, lambda: _read_api_url(environment))
    if isinstance(arguments, str):
        return arguments
    request, options, _ = arguments
    if not options.insecure:
        from encore.client.urls import require_https  # noqa: PLC0415 - start-up.

        require_https(request.url, "token")
    if options.output_format in {"csv", "ndjson"}:
        from client.requesting.streams import ask_for_stream  # noqa: PLC0415 - start-up.

        arguments = arguments._replace(request=ask_for_stream(request, options.output_format))
    return arguments


def _read_api_url(environment: Environment) -> str:
    from client.settings import find_setting  # noqa: PLC0415 - start-up.

    found = find_setting(environment.variables, environment.directory, "API_URL")
    return found[0] if found else ""


def _help() -> str:
    from client.commands import COMMANDS  # noqa: PLC0415 - only for the help.
    from client.requesting.usage import HELP  # noqa: PLC0415 - only for the help.

    lines = ["commands (--help says more):"]
    for word in COMMANDS:
        if len(lines[-1]) + len(word) + 2 > _SCREEN_COLUMNS:
            lines.append(" ")
        lines[-1] += f" {word},"
    return HELP.replace("{commands}", "\n".join(lines).rstrip(",")).rstrip()
