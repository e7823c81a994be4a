"""Where a response is written to: standard output, or a file (``client.output.file``)."""

import codecs
from typing import Protocol

from client.environment import Environment
from client.output.text import write_to_stdout


class Destination(Protocol):
    """Where a response is written to."""

    is_terminal: bool
    encoding: str
    may_have_colour: bool
    """Whether ``FORCE_COLOR`` applies: not to files."""
    has_written: bool
    """Whether standard output has a part of the response."""

    def write(self, content: str | bytes) -> None:
        """Write text, or bytes as they are. Raise ``OutputError``."""

    def commit(self) -> None:
        """End a response that is complete. Raise ``OutputError``."""

    def discard(self) -> None:
        """End a response that is not complete, or that is an error; may follow ``commit``."""


class StandardOutput:
    """Standard output.

    Args:
        environment: Whose stdout it is.
    """

    may_have_colour = True

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.has_written = False
        self._shown: TerminalText | None = None
        self.is_terminal = environment.is_terminal(environment.stdout)
        self.encoding = environment.stdout.encoding or "utf-8"

    def write(self, content: str | bytes) -> None:
        """Write text, or bytes as they are. Raise ``OutputError``."""
        self.has_written = True
        if self.is_terminal and isinstance(content, bytes):
            self._shown = self._shown or TerminalText()
            content = self._shown.decode(content)
        write_to_stdout(self._environment, content)

    def commit(self) -> None:
        """Do nothing: everything is written."""

    def discard(self) -> None:
        """Do nothing: what is written is written."""


class TerminalText:
    """Decodes bytes for a terminal: controls, which it would obey, become ``?``."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def decode(self, content: bytes) -> str:
        """Return the text of further bytes; a character may be split between two calls."""
        text = self._decoder.decode(content).replace("\r\n", "\n")
        return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def open_destination(environment: Environment, path: str | None) -> Destination:
    """Return standard output, for None and ``-``, or the file of this path.

    Raises:
        UsageError: The file cannot be created.
    """
    if path is None or path == "-":
        return StandardOutput(environment)
    from client.output.file import OutputFile  # noqa: PLC0415 - start-up.

    return OutputFile(path)
