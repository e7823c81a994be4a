"""Choosing a command and ending it: whatever it raises becomes a message and an exit code.

There is one command so far, the request of the Okta sample.
"""

from client.context import Context
from client.errors import ClientError
from client.request import run
from client.status import ExitCode


def main(context: Context) -> ExitCode:
    """Run the command that the arguments ask for; give the exit code."""
    try:
        return run(context)
    except ClientError as error:
        context.say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        context.say("Interrupted.")
        return ExitCode.INTERRUPTED
