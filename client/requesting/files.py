"""Files that arguments name: read as text, or sent as they are."""

import os
import stat
from collections.abc import Iterator
from typing import Final

from encore.client.errors import UsageError

_CHUNK_BYTES: Final = 65_536


class FileBody:
    """The bytes of a file, read when they are sent, and again when they are sent again.

    Args:
        path: A regular file.
        length: Its length.
    """

    def __init__(self, path: str, length: int) -> None:
        self.path = path
        self.length = length

    def __iter__(self) -> Iterator[bytes]:
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123 - start-up.
                left = self.length
                # One byte more than is left, so that the last chunk of a longer file is not sent.
                while chunk := file.read(min(_CHUNK_BYTES, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        break
                    yield chunk
        except OSError as error:
            raise UsageError(f"@{self.path} cannot be read: {error.strerror}.") from error
        if left:
            raise UsageError(
                f"@{self.path} has changed while it was sent; the request was not completed."
            )


def check_path(path: str) -> None:
    """Raise ``UsageError`` for paths that other programs read standard input for."""
    if path in {"", "-"}:
        raise UsageError(
            "@ must be followed by the path of a file; - alone, as the body, reads standard input."
        )


def read_text_file(path: str, hint: str = "") -> str:
    """Return the text of a file in UTF-8. Raise ``UsageError``, with a hint at its end."""
    try:
        return read_file(path).decode("utf-8-sig")
    except UsageError as error:
        raise UsageError(f"{error}{hint}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"@{path} cannot be read: it is not UTF-8.{hint}") from error


def read_file(path: str) -> bytes:
    """Return the bytes of a file. Raise ``UsageError``."""
    check_path(path)
    try:
        with open(os.path.expanduser(path), "rb") as file:  # noqa: PTH111, PTH123 - start-up.
            return file.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"@{path} cannot be read: {_reason(error)}.") from error


def open_file_body(path: str) -> "FileBody | bytes":
    """Return a file as a body; what is not a regular file, such as a pipe, is read at once.

    Raises:
        UsageError: It cannot be read.
    """
    check_path(path)
    expanded = os.path.expanduser(path)  # noqa: PTH111 - start-up.
    try:
        found = os.stat(expanded)  # noqa: PTH116 - start-up.
        with open(expanded, "rb"):  # noqa: PTH123 - start-up.
            pass
    except (OSError, ValueError) as error:
        raise UsageError(f"@{path} cannot be read: {_reason(error)}.") from error
    if stat.S_ISREG(found.st_mode):
        return FileBody(expanded, found.st_size)
    return read_file(expanded)


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
