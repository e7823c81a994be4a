"""Files and directories that only their owner can read: rows and checkpoints are personal data.

No symbolic link is followed, and a file of another user is never opened: in a directory that others
can write to, they would decide what is overwritten, or read what is written.
"""

import os
import stat
from pathlib import Path
from typing import Final

from client.errors import StateError

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022
_NO_FOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def create_private_directory(path: Path, *, own_suffixes: tuple[str, ...], follow: bool) -> None:
    """Create a directory that only its owner can use, or make an existing one so.

    An existing directory with other files than ours keeps its mode: it is not ours alone.

    Args:
        path: Missing parents are created.
        own_suffixes: How the names of our files end.
        follow: Whether it may be a symbolic link, if that belongs to this user or to root.

    Raises:
        StateError: It is a symbolic link, belongs to another user, or others can write to it.
        OSError: It cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=DIRECTORY_MODE)
    except FileExistsError:
        link = path.lstat()
        if stat.S_ISLNK(link.st_mode) and not (follow and link.st_uid in {0, _user()}):
            raise StateError(
                f"{path} is a symbolic link, which is not followed: remove it, or name another"
                " directory with --state."
            ) from None
        if not path.is_dir():
            raise
    found = path.stat()
    if found.st_uid != _user():
        raise StateError(
            f"{path} belongs to another user: run the import as that user, or name another"
            " directory with --state."
        )
    if not found.st_mode & _OTHERS:
        return
    if all(entry.name.endswith(own_suffixes) for entry in path.iterdir()):
        path.chmod(DIRECTORY_MODE)
    elif found.st_mode & _OTHERS_WRITE:
        raise StateError(
            f"Other users can write to {path}, which has other files too: name another directory"
            " with --state."
        )


def open_private_file(path: Path, flags: int) -> int:
    """Open a file that only its owner can read or write, and return its descriptor.

    Args:
        path: An existing file gets that mode too.
        flags: As for ``os.open``.

    Raises:
        StateError: It is a symbolic link or no regular file, or belongs to another user.
        OSError: It cannot be opened.
    """
    check_private_file(path)
    descriptor = os.open(path, flags | _NO_FOLLOW, FILE_MODE)
    try:
        _check(path, os.fstat(descriptor))
        if os.fstat(descriptor).st_mode & _OTHERS:
            os.fchmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check_private_file(path: Path) -> bool:
    """Return whether a file exists; raise if it is not a regular file of this user.

    Raises:
        StateError: It is a symbolic link or no regular file, or belongs to another user.
        OSError: It cannot be looked at.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    _check(path, found)
    return True


def _check(path: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise StateError(f"{path} is a symbolic link, which is not followed: remove it.")
    if not stat.S_ISREG(found.st_mode):
        raise StateError(f"{path} is not a regular file.")
    if found.st_uid != _user():
        raise StateError(f"{path} belongs to another user: remove it, or name another file.")


def _user() -> int:
    return os.geteuid()
