"""Writing the response to stdout: JSON indented by two, like the ``json`` of the Okta sample."""

import os
from typing import Any

from client.environment import Environment
from client.exit_codes import ExitCode


def render_json(value: Any, encoding: str) -> str:
    """Return a value as indented JSON, members in the order received.

    Args:
        value: What ``json.loads`` returned.
        encoding: Characters that it lacks are escaped; all others stay readable.
    """
    import json  # noqa: PLC0415 - start-up: neither usage nor help needs it.

    rendered = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        rendered.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return rendered


def write_json(environment: Environment, value: Any) -> ExitCode:
    """Write a value to stdout and return the exit code, as ``write_text`` does."""
    try:
        rendered = render_json(value, environment.stdout.encoding or "utf-8")
    except RecursionError:
        environment.echo_err("The response was received, but is nested too deeply to be written.")
        return ExitCode.OUTPUT
    return write_text(environment, rendered)


def write_text(environment: Environment, content: str) -> ExitCode:
    """Write text and a line end to stdout; return OK unless writing failed."""
    try:
        environment.stdout.write(f"{content}\n")
        environment.stdout.flush()
    except BrokenPipeError:
        _discard_buffered_output(environment)
        return ExitCode.PIPE_CLOSED
    except (OSError, ValueError) as error:
        _discard_buffered_output(environment)
        environment.echo_err(f"The response was received, but cannot be written: {error}.")
        return ExitCode.OUTPUT
    return ExitCode.OK


def _discard_buffered_output(environment: Environment) -> None:
    """Redirect stdout to the null device; otherwise Python reports the same failure at exit."""
    try:
        stdout_fd = environment.stdout.fileno()
    except (OSError, ValueError):
        return
    null_fd = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_fd, stdout_fd)
    os.close(null_fd)
