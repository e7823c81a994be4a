"""The process environment of a command as one object: arguments, variables, directory, streams.

Commands use this object instead of ``sys`` and ``os``, so that tests can run them in process with
other streams and variables (the idea is httpie's ``context.py``).
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TextIO


class Environment(NamedTuple):
    """Everything outside the program that a command may use."""

    argv: Sequence[str]
    """Arguments, without the program's name."""
    variables: Mapping[str, str]
    """Environment variables."""
    directory: str
    """Where ``.env`` and ``.env.local`` are read from."""
    stdin: TextIO
    stdout: TextIO
    """The response, and nothing else."""
    stderr: TextIO
    """Messages for people."""

    @classmethod
    def from_process(cls) -> "Environment":
        """Return the environment of this process; closed streams become the null device."""
        return cls(
            argv=sys.argv[1:],
            variables=os.environ,
            directory=os.curdir,
            stdin=sys.stdin or _open_null("r"),
            stdout=sys.stdout or _open_null("w"),
            stderr=sys.stderr or _open_null("w"),
        )

    @staticmethod
    def is_terminal(stream: TextIO) -> bool:
        """Return whether a stream is a terminal."""
        try:
            return stream.isatty()
        except ValueError:  # It is closed.
            return False

    def note(self, message: str) -> None:
        """Write a line to stderr if that is a terminal: what a script need not read."""
        if self.is_terminal(self.stderr):
            self.echo_err(message)

    def echo_err(self, message: str) -> None:
        """Write a line to stderr; do nothing if stderr is closed."""
        try:
            self.stderr.write(f"{printable(message, self.stderr)}\n")
            self.stderr.flush()
        except (OSError, ValueError):
            return


def printable(message: str, stream: TextIO) -> str:
    """Return text that cannot control a terminal and that the stream can encode.

    Args:
        message: Line feeds and tabs are kept; other control characters, which a server may have
            sent, become ``?``.
        stream: Where it will be written.
    """
    shown = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in message)
    encoding = stream.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _open_null(mode: str) -> TextIO:
    # Stays open for the life of the process, like the stream it replaces.
    return open(os.devnull, mode, encoding="utf-8")  # type: ignore[return-value] # noqa: PTH123 - text mode; pathlib is not loaded yet
