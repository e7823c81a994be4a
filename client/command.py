"""Choosing a command and ending it: whatever it raises becomes a message and an exit code.

The first argument ``import`` asks for an import; anything else is the request of the Okta sample.
"""

from client.context import Context
from client.errors import ClientError
from client.status import ExitCode


def main(context: Context) -> ExitCode:
    """Run the command that the arguments ask for; give the exit code."""
    try:
        if context.argv[:1] == ["import"]:
            return _import(context)
        return _request(context)
    except ClientError as error:
        context.say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        context.say("Interrupted.")
        return ExitCode.INTERRUPTED


# Each command is imported when it is asked for: neither pays for the other's start.


def _request(context: Context) -> ExitCode:
    from client.request import run  # noqa: PLC0415

    return run(context)


def _import(context: Context) -> ExitCode:
    from client.importing.command import run  # noqa: PLC0415

    return run(context)
