"""A file that a response is written to: complete, or not there.

It is written beside its name and renamed at the end, so that a failure, however late, leaves what
was there before. It is created before the request is sent: a request that changes something is not
sent if its response cannot be kept.
"""

import os
import tempfile
from contextlib import suppress
from typing import IO, Final

from client.errors import OutputError
from encore.client.errors import UsageError

_ALL_MODES: Final = 0o666


class OutputFile:
    """A file that replaces another one when it is complete.

    Args:
        path: A file that exists or not, in a folder that exists; a device or a pipe is written
            directly.

    Raises:
        UsageError: The path is that of a folder, or the file cannot be created.
    """

    is_terminal = False
    may_have_colour = False
    has_written = False
    encoding = "utf-8"

    def __init__(self, path: str) -> None:
        self._shown = path
        # A symbolic link is kept: its target is replaced.
        self._path = os.path.realpath(os.path.expanduser(path))  # noqa: PTH111 - start-up.
        self._temporary = ""
        try:
            self._file = self._open()
        except OSError as error:
            raise UsageError(
                f"--output {path} cannot be written, nothing was sent: {error.strerror}."
            ) from error

    def write(self, content: str | bytes) -> None:
        """Write text in UTF-8, or bytes as they are. Raise ``OutputError``."""
        try:
            self._file.write(content.encode("utf-8") if isinstance(content, str) else content)
        except OSError as error:
            raise self._error(error) from error

    def commit(self) -> None:
        """Replace the file of this name. Raise ``OutputError``."""
        try:
            self._file.close()
            if self._temporary:
                os.replace(self._temporary, self._path)  # noqa: PTH105 - start-up.
                self._temporary = ""
        except OSError as error:
            raise self._error(error) from error

    def discard(self) -> None:
        """Remove what was written, unless it is committed."""
        with suppress(OSError):  # What could not be written is removed.
            self._file.close()
        if self._temporary:
            os.unlink(self._temporary)  # noqa: PTH108 - start-up.
            self._temporary = ""

    def _open(self) -> IO[bytes]:
        if os.path.isdir(self._path):  # noqa: PTH112 - start-up.
            raise IsADirectoryError(0, "it is a folder")
        if os.path.exists(self._path) and not os.path.isfile(self._path):  # noqa: PTH110, PTH113 - start-up.
            return open(self._path, "wb")  # noqa: PTH123 - closed by commit and discard.
        folder, name = os.path.split(self._path)
        descriptor, self._temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        os.chmod(self._temporary, self._mode())  # noqa: PTH101 - start-up.
        return open(descriptor, "wb")  # noqa: PTH123 - as above.

    def _mode(self) -> int:
        """Return the permissions of the file that is replaced, or those of a new file."""
        try:
            return os.stat(self._path).st_mode & 0o777  # noqa: PTH116 - start-up.
        except FileNotFoundError:
            mask = os.umask(0)
            os.umask(mask)
            return _ALL_MODES & ~mask

    def _error(self, error: OSError) -> OutputError:
        return OutputError(
            f"The response was received, but {self._shown} cannot be written: {error.strerror}."
        )
