"""The process around a command, as one object: arguments, environment, directory, streams.

Commands take all of these from here and none from ``sys`` or ``os``, so a test runs them in
process with its own (the idea is httpie's ``context.py``).
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TextIO


class Context(NamedTuple):
    """What a command may touch of its surroundings."""

    argv: Sequence[str]
    """Arguments, without the program's name."""
    environment: Mapping[str, str]
    """Process environment."""
    directory: str
    """Where ``.env`` and ``.env.local`` are looked for."""
    stdin: TextIO
    stdout: TextIO
    """The answer, and nothing else."""
    stderr: TextIO
    """Whatever is meant for a person."""

    @classmethod
    def of_process(cls) -> "Context":
        """Give the surroundings of this process; a closed stream becomes the null device."""
        return cls(
            argv=sys.argv[1:],
            environment=os.environ,
            directory=os.curdir,
            stdin=sys.stdin or _null("r"),
            stdout=sys.stdout or _null("w"),
            stderr=sys.stderr or _null("w"),
        )

    def say(self, text: str) -> None:
        """Write a line to stderr; when even that is closed, say nothing."""
        try:
            self.stderr.write(f"{printable(text, self.stderr)}\n")
            self.stderr.flush()
        except (OSError, ValueError):
            return


def printable(text: str, stream: TextIO) -> str:
    """Give text that cannot steer a terminal and that the stream can encode.

    Args:
        text: Line feeds and tabs stay; other control characters, which a server may have sent,
            become ``?``.
        stream: Where it is going.
    """
    shown = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)
    encoding = stream.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def _null(mode: str) -> TextIO:
    # Opened for the life of the process, as the stream that it stands for.
    return open(os.devnull, mode, encoding="utf-8")  # type: ignore[return-value] # noqa: PTH123
