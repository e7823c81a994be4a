"""The lock that keeps two runs of one import apart.

``flock`` on a file: the kernel gives it back when the process ends, however it ends. The file
stays: removing it would let a third run lock another file of the same name.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.errors import LockedError, StateError


@contextmanager
def lock(path: Path, job: str) -> Iterator[None]:
    """Hold the lock of an import.

    Args:
        path: Of the file; its directory is there.
        job: The import's name, for the message.

    Raises:
        LockedError: Another process holds it.
        StateError: The file cannot be opened.
    """
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StateError(f"The lock {path} cannot be opened: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(f"The import {job} is running already: {path} is locked.") from error
        yield
    finally:
        os.close(number)
