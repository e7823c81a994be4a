"""Writing the answer to stdout: JSON for people, indented by two like the seed's ``json``."""

import os
from typing import Any

from client.context import Context
from client.status import ExitCode


def render(value: Any, encoding: str) -> str:
    """Give a value as indented JSON, keys in the order they came.

    Args:
        value: What ``json.loads`` gave.
        encoding: What cannot be written in it is escaped; everything else stays readable.
    """
    import json  # noqa: PLC0415 - start-up: neither usage nor help needs it.

    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return text


def write_answer(context: Context, value: Any) -> ExitCode:
    """Write a value to stdout and give the exit code, as ``write_text`` does."""
    try:
        text = render(value, context.stdout.encoding or "utf-8")
    except RecursionError:
        context.say("The answer came, but is nested too deeply to be written.")
        return ExitCode.OUTPUT
    return write_text(context, text)


def write_text(context: Context, text: str) -> ExitCode:
    """Write a text and a line end to stdout; give OK, unless nobody can read it."""
    try:
        context.stdout.write(f"{text}\n")
        context.stdout.flush()
    except BrokenPipeError:
        _silence(context)
        return ExitCode.PIPE_CLOSED
    except (OSError, ValueError) as error:
        _silence(context)
        context.say(f"The answer came, but cannot be written: {error}.")
        return ExitCode.OUTPUT
    return ExitCode.OK


def _silence(context: Context) -> None:
    """Let what is still buffered vanish, or Python complains at its end about the same failure."""
    try:
        number = context.stdout.fileno()
    except (OSError, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
