"""The command line: run the requested command and turn its errors into messages and exit codes.

If the first argument is the word of a command (``client.commands``), that is run; anything else is
a request, ``URL [METHOD] [JSON]`` as in the Okta sample (``client.requesting``).
"""

from client.commands import COMMANDS
from client.environment import Environment
from client.errors import OutputClosedError
from client.exit_codes import ExitCode, exit_code_of
from client.requesting.command import run_request
from encore.client.errors import ClientError


def main(environment: Environment) -> ExitCode:
    """Run the command that the arguments select; return the exit code."""
    try:
        command = COMMANDS.get(environment.argv[0]) if environment.argv else None
        run = run_request if command is None else command.load()
        return run(environment)
    except OutputClosedError:
        return ExitCode.PIPE_CLOSED
    except ClientError as error:
        environment.echo_err(str(error))
        return exit_code_of(error)
    except KeyboardInterrupt:
        environment.echo_err("Interrupted.")
        return ExitCode.INTERRUPTED
