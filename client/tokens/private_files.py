"""The directory of tokens and its files, which only their owner can use.

A file that others can read, a symbolic link, and a file of another user are not read: they are
removed, and the token is requested again. A directory that is not the user's own is not used.
"""

import os
import stat
from collections.abc import Mapping
from typing import Final

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
MAX_BYTES: Final = 262_144
"""The longest file that is read. Tokens are shorter; APIs accept up to some 16 KB."""

TEMPORARY: Final = ".new"

_OTHERS: Final = 0o077
_SAFE_OPEN: Final[int] = (
    getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
)


class UnsafeFileError(Exception):
    """A file or directory is not its owner's alone; the message says what was found."""


def find_directory(variables: Mapping[str, str]) -> str:
    """Return the path of the directory, below ``XDG_STATE_HOME`` or ``~/.local/state``.

    Not below ``XDG_CACHE_HOME``: build services and backups copy caches to other machines.

    Args:
        variables: The environment variables.

    Returns:
        An absolute path, which may not exist; empty if there is no home directory.
    """
    state = variables.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):  # Relative ones are to be ignored (XDG Base Directory).
        home = variables.get("HOME", "") or os.path.expanduser("~")
        if not os.path.isabs(home):
            return ""
        state = os.path.join(home, ".local", "state")
    return os.path.join(state, "encore", "tokens")


def create_private_directory(path: str) -> None:
    """Create a directory that only its owner can use, or make an existing one so.

    Raises:
        UnsafeFileError: It is a symbolic link, no directory, or of another user.
        OSError: It cannot be created.
    """
    os.makedirs(os.path.dirname(path), mode=DIRECTORY_MODE, exist_ok=True)
    try:
        os.mkdir(path, DIRECTORY_MODE)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            raise UnsafeFileError("it is a symbolic link, or not a directory") from None
        if not _is_own(found):
            raise UnsafeFileError("it belongs to another user") from None
        if found.st_mode & _OTHERS:
            os.chmod(path, DIRECTORY_MODE)


def read_private_file(path: str) -> bytes | None:
    """Return the content of a file; None if it does not exist.

    Raises:
        UnsafeFileError: It is a symbolic link, not a regular file, of another user, readable for
            others, or too long. It was not read.
        OSError: It cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFE_OPEN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if os.path.islink(path):
            raise UnsafeFileError("it was a symbolic link") from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnsafeFileError("it was not a regular file")
        if not _is_own(found):
            raise UnsafeFileError("it belonged to another user")
        if found.st_mode & _OTHERS and os.name == "posix":
            raise UnsafeFileError("other users could read or write it")
        if found.st_size > MAX_BYTES:
            raise UnsafeFileError("it was too long")
        return os.read(descriptor, MAX_BYTES)
    finally:
        os.close(descriptor)


def write_private_file(path: str, content: bytes) -> None:
    """Replace a file atomically; readers see the old or the new content.

    It is not flushed to disk: what a power failure leaves is replaced.

    Raises:
        UnsafeFileError: As for ``create_private_directory``.
        OSError: It cannot be written; the old one is still there.
    """
    create_private_directory(os.path.dirname(path))
    temporary = f"{path}.{os.urandom(4).hex()}{TEMPORARY}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE_OPEN, FILE_MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        remove_file(temporary)
        raise


def remove_file(path: str) -> bool:
    """Remove a file; return whether it was there. A symbolic link is removed, not its target."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def _is_own(found: os.stat_result) -> bool:
    user = getattr(os, "geteuid", None)  # Windows has neither users' numbers nor modes.
    return user is None or found.st_uid == user()
