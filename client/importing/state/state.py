"""The state of an import between runs, in one directory: lock, checkpoint, rejected rows.

The checkpoint is saved after each batch that the API has acknowledged, atomically: in a temporary
file that is flushed to disk and then renamed. It is removed when the import has completed.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from client.errors import LockedError, StateError
from client.importing.options import DEFAULT_STATE
from client.importing.sources.file_formats import TSV
from client.importing.state.checkpoint import Checkpoint
from client.importing.state.private_files import (
    FILE_MODE,
    create_private_directory,
    open_private_file,
)

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIXES: Final = (".json", ".new", ".lock", ".rejected.csv", ".rejected.tsv", ".rejected.ndjson")
"""How the names of the files end."""
_MAX_NAME_CHARACTERS: Final = 200
"""File systems allow 255 bytes, and suffixes are appended."""


class State:
    """What an import needs to resume; this base class, for dry runs, keeps nothing.

    Args:
        rejected: The file of rejected rows that the user named, if any.
    """

    def __init__(self, rejected: Path | None) -> None:
        self._rejected = rejected

    def lock(self) -> AbstractContextManager[None]:
        """Hold a lock that excludes other runs of the same import.

        Raises:
            LockedError: Another run holds it.
            StateError: The directory cannot be used.
        """
        return nullcontext()

    def load(self) -> Checkpoint | None:
        """Return the checkpoint of an earlier run, or None.

        Raises:
            StateError: It cannot be read, or is not a checkpoint.
        """
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint.

        Raises:
            StateError: It cannot be written; the earlier checkpoint is still there.
        """

    def remove(self) -> None:
        """Remove the checkpoint: the import has completed."""

    def rejected_path(self, file_format: str) -> Path | None:
        """Return the file of rejected rows, CSV or NDJSON like the source, or None for no file."""
        del file_format  # The user chose the name.
        return self._rejected


class FileState(State):
    """The state of a real run.

    Args:
        directory: Created if it does not exist.
        job: The import's name.
        rejected: The file of rejected rows; None: one in the directory.
    """

    def __init__(self, directory: Path, job: str, rejected: Path | None) -> None:
        super().__init__(rejected)
        self._directory = directory
        self._job = _UNSAFE.sub("-", job).strip("-.")[:_MAX_NAME_CHARACTERS] or "import"
        self._checkpoint = directory / f"{self._job}.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Create the directory, which only its owner can use, and lock a file in it.

        The kernel releases the lock when the process ends, however it ends; a file system without
        such locks is an error. The file is kept: after removing it, a third run could lock another
        file of the same name.
        """
        path = self._directory / f"{self._job}.lock"
        lock = FileLock(path, blocking=False, fallback_to_soft=False, mode=FILE_MODE)
        try:
            create_private_directory(
                self._directory,
                own_suffixes=_SUFFIXES,
                # The default may have been put into a directory that others write to.
                follow=self._directory != DEFAULT_STATE,
            )
            os.close(open_private_file(path, os.O_RDWR | os.O_CREAT))
            held = lock.acquire()
        except Timeout as error:
            raise LockedError(
                f"The import {self._job} is already running: {path} is locked."
            ) from error
        except OSError as error:
            raise StateError(f"The lock {path} cannot be taken: {error.strerror}.") from error
        with held:
            yield

    def load(self) -> Checkpoint | None:
        """Read the checkpoint's file."""
        try:
            with open(  # noqa: PTH123 - a descriptor.
                open_private_file(self._checkpoint, os.O_RDONLY), encoding="utf-8"
            ) as file:
                content = file.read()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StateError(
                f"The checkpoint {self._checkpoint} cannot be read: {error}."
            ) from error
        try:
            return Checkpoint.from_json(content)
        except ValueError as error:
            raise StateError(
                f"{self._checkpoint} is not a checkpoint of this version; --restart starts"
                " without it."
            ) from error

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint's file."""
        temporary = self._checkpoint.with_name(f"{self._checkpoint.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            temporary.unlink(missing_ok=True)
            with open(  # noqa: PTH123 - a descriptor.
                open_private_file(temporary, flags), "w", encoding="utf-8"
            ) as file:
                file.write(checkpoint.to_json())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._checkpoint)
            _fsync_directory(self._directory)
        except OSError as error:
            raise StateError(
                f"The checkpoint {self._checkpoint} cannot be written: {error.strerror}."
            ) from error

    def remove(self) -> None:
        """Remove the checkpoint's file."""
        with contextlib.suppress(OSError):
            self._checkpoint.unlink(missing_ok=True)

    def rejected_path(self, file_format: str) -> Path | None:
        """Return the file that the user named, or one in the directory."""
        suffix = file_format if file_format in {"csv", TSV} else "ndjson"
        return self._rejected or self._directory / f"{self._job}.rejected.{suffix}"


def _fsync_directory(path: Path) -> None:
    """Flush a directory, so that a rename in it survives a power failure."""
    directory_fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
