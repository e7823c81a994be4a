"""The state of an import between runs, in one directory: lock, checkpoint, rejected rows."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from client.errors import LockedError, StateError
from client.importing.checkpoint import Checkpoint, CheckpointFile

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_CHARACTERS: Final = 200
"""File systems allow 255 bytes, and suffixes are appended."""


class State(ABC):
    """What an import needs to resume after it was interrupted."""

    @abstractmethod
    def lock(self) -> AbstractContextManager[None]:
        """Hold a lock that excludes other runs of the same import.

        Raises:
            LockedError: Another run holds it.
            StateError: The directory cannot be used.
        """

    @abstractmethod
    def load(self) -> Checkpoint | None:
        """Return the checkpoint of an earlier run, or None."""

    @abstractmethod
    def save(self, checkpoint: Checkpoint) -> None:
        """Save the progress of this run."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the checkpoint: the import has completed."""

    @abstractmethod
    def rejected_path(self, file_format: str) -> Path | None:
        """Return the file of rejected rows, CSV or NDJSON like the source, or None for no file."""


class FileState(State):
    """The state of a real run.

    Args:
        directory: Created if it does not exist.
        job: The import's name.
        rejected: The file of rejected rows; None: one in the directory.
    """

    def __init__(self, directory: Path, job: str, rejected: Path | None) -> None:
        self._directory = directory
        self._job = _UNSAFE.sub("-", job).strip("-.")[:_MAX_NAME_CHARACTERS] or "import"
        self._rejected = rejected
        self._checkpoint = CheckpointFile(directory / f"{self._job}.json")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Create the directory and lock a file in it.

        The kernel releases the lock when the process ends, however it ends; a file system without
        such locks is an error. The file is kept: after removing it, a third run could lock another
        file of the same name.
        """
        path = self._directory / f"{self._job}.lock"
        lock = FileLock(path, blocking=False, fallback_to_soft=False)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
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
        return self._checkpoint.load()

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint's file."""
        self._checkpoint.save(checkpoint)

    def remove(self) -> None:
        """Remove the checkpoint's file."""
        self._checkpoint.remove()

    def rejected_path(self, file_format: str) -> Path | None:
        """Return the file named by the user, or one in the directory."""
        suffix = "csv" if file_format == "csv" else "ndjson"
        return self._rejected or self._directory / f"{self._job}.rejected.{suffix}"


class DryRunState(State):
    """The state of a dry run: only a file of rejected rows, if the user named one."""

    def __init__(self, rejected: Path | None) -> None:
        self._rejected = rejected

    def lock(self) -> AbstractContextManager[None]:
        """Lock nothing: a dry run writes nothing that another run reads."""
        return nullcontext()

    def load(self) -> Checkpoint | None:
        """Return None: a dry run starts at the beginning."""
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Save nothing."""

    def remove(self) -> None:
        """Remove nothing."""

    def rejected_path(self, file_format: str) -> Path | None:
        """Return the file named by the user."""
        del file_format  # The user chose the name.
        return self._rejected
