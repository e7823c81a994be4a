"""What an import keeps between runs, in one directory: lock, checkpoint, rejected rows."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from client.errors import StateError
from client.importing.checkpoint import Checkpoint, CheckpointFile
from client.importing.lock import lock

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME: Final = 200
"""Characters; file systems take 255 bytes, and suffixes are added."""


class State(ABC):
    """Where an import keeps what it needs if it is broken off."""

    @abstractmethod
    def hold(self) -> AbstractContextManager[None]:
        """Keep other runs away.

        Raises:
            LockedError: Another is running.
            StateError: The directory cannot be used.
        """

    @abstractmethod
    def load(self) -> Checkpoint | None:
        """Give what an earlier run has left."""

    @abstractmethod
    def save(self, checkpoint: Checkpoint) -> None:
        """Keep how far the import has come."""

    @abstractmethod
    def remove(self) -> None:
        """Forget how far it has come: it has ended."""

    @abstractmethod
    def rejected_file(self, kind: str) -> Path | None:
        """Give the file of rejected rows: of CSV, or of NDJSON for whatever else; or none."""


class KeptState(State):
    """The state of a real run.

    Args:
        directory: Made if it is not there.
        job: Names the import.
        rejected: The file of rejected rows, if not one in the directory.
    """

    def __init__(self, directory: Path, job: str, rejected: Path | None) -> None:
        self._directory = directory
        self._job = _NOT_IN_NAMES.sub("-", job).strip("-.")[:_LONGEST_NAME] or "import"
        self._rejected = rejected
        self._checkpoint = CheckpointFile(directory / f"{self._job}.json")

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Make the directory and hold the lock in it."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{self._directory} cannot be made: {error.strerror}.") from error
        with lock(self._directory / f"{self._job}.lock", self._job):
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

    def rejected_file(self, kind: str) -> Path | None:
        """Give the file that was asked for, or one in the directory."""
        form = "csv" if kind == "csv" else "ndjson"
        return self._rejected or self._directory / f"{self._job}.rejected.{form}"


class NoState(State):
    """The state of a dry run: none but a file of rejected rows, if one was asked for."""

    def __init__(self, rejected: Path | None) -> None:
        self._rejected = rejected

    def hold(self) -> AbstractContextManager[None]:
        """Keep nobody away: nothing is written."""
        return nullcontext()

    def load(self) -> Checkpoint | None:
        """Start at the beginning."""
        return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep nothing."""

    def remove(self) -> None:
        """Have nothing to forget."""

    def rejected_file(self, kind: str) -> Path | None:
        """Give the file that was asked for."""
        del kind  # It was named.
        return self._rejected
