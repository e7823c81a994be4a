"""The command ``URL [METHOD] [JSON]``: one request, its JSON answer on stdout."""

from client import __version__
from client.arguments import Arguments, check_arguments, make_parser
from client.context import Context
from client.output import write_answer, write_text
from client.status import ExitCode


def run(context: Context) -> ExitCode:
    """Send what the arguments ask for and print the answer.

    Raises:
        ClientError: See ``client.errors``; nothing was printed.
    """
    parser = make_parser()
    # Intermixed, so that --insecure may stand between URL and METHOD.
    asked = parser.parse_intermixed_args(context.argv)
    if asked.help:
        return write_text(context, parser.format_help().rstrip())
    if asked.version:
        return write_text(context, f"client {__version__}")
    arguments = check_arguments(parser, asked, context.stdin)
    return _send(context, arguments)


def _send(context: Context, arguments: Arguments) -> ExitCode:
    # Only now, when there is something to send: these cost most of the start-up time.
    from client.api import Api  # noqa: PLC0415
    from client.settings import load_settings  # noqa: PLC0415

    settings = load_settings(context.environment, context.directory)
    with Api(settings, insecure=arguments.insecure) as api:
        answer = api.request(arguments.method, arguments.url, arguments.body, nothing=context)
    # The context stands for "no body", as it is no value of JSON; null is one, and is printed.
    return ExitCode.OK if answer is context else write_answer(context, answer)
