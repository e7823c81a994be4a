"""Writing to stdout: text, bytes, and what happens if the reader of a pipe is gone."""

import os
from typing import Any

from client.environment import Environment
from client.errors import OutputClosedError, OutputError
from client.exit_codes import ExitCode


def write_text(environment: Environment, content: str) -> ExitCode:
    """Write text and a line end to stdout; return OK unless writing failed."""
    try:
        write_to_stdout(environment, f"{content}\n")
    except OutputClosedError:
        return ExitCode.PIPE_CLOSED
    except OutputError as error:
        environment.echo_err(str(error))
        return ExitCode.OUTPUT
    return ExitCode.OK


def write_json(environment: Environment, value: Any) -> ExitCode:
    """Write a value as indented JSON to stdout; return OK unless writing failed."""
    from client.output.json_text import render_json  # noqa: PLC0415 - start-up.

    try:
        rendered = render_json(value, environment.stdout.encoding or "utf-8")
    except OutputError as error:
        environment.echo_err(str(error))
        return ExitCode.OUTPUT
    return write_text(environment, rendered)


def write_to_stdout(environment: Environment, content: str | bytes) -> None:
    """Write text, or bytes as they are, to stdout.

    Raises:
        OutputClosedError: The reader of the pipe is gone.
        OutputError: Stdout cannot be written, such as on a full disk.
    """
    stdout: Any = environment.stdout
    try:
        if isinstance(content, str):
            stdout.write(content)
        elif buffer := getattr(stdout, "buffer", None):
            buffer.write(content)
        else:
            stdout.write(content.decode("utf-8", "replace"))
        stdout.flush()
    except BrokenPipeError as error:
        _discard_buffered_output(environment)
        raise OutputClosedError("The reader of the output has closed it.") from error
    except (OSError, ValueError) as error:
        _discard_buffered_output(environment)
        raise OutputError(f"The response was received, but cannot be written: {error}.") from error


def _discard_buffered_output(environment: Environment) -> None:
    """Redirect stdout to the null device; otherwise Python reports the same failure at exit."""
    try:
        stdout_fd = environment.stdout.fileno()
    except (OSError, ValueError):
        return
    null_fd = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_fd, stdout_fd)
    os.close(null_fd)
