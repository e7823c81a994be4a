"""The checkpoint: the progress of an import, kept in a file so that a killed run can resume.

It is written after each batch that the API has acknowledged, atomically: to a temporary file that
is flushed to disk and then renamed. It is removed when the import has completed.
"""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from client.errors import StateError
from client.importing.batches import Batch
from client.importing.results import Counts

_VERSION: Final = 1


def _new_run_id() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The progress of an import; the default is the start of a new run.

    Args:
        run: The run's id, kept when another process resumes the run.
        position: Number of records of the source that are done.
        fingerprint: Hash of those records, and of the options that decide what is sent.
        counts: Those records by result.
        rejected_bytes: The length of the file of rejected rows.
    """

    run: str = field(default_factory=_new_run_id)
    position: int = 0
    fingerprint: str = ""
    counts: Counts = field(default_factory=Counts)
    rejected_bytes: int = 0

    def after(self, batch: Batch, counts: Counts, rejected_bytes: int) -> "Checkpoint":
        """Return the checkpoint after a batch was acknowledged and its rejected rows written."""
        return replace(
            self,
            position=batch.position,
            fingerprint=batch.fingerprint,
            counts=self.counts + counts,
            rejected_bytes=rejected_bytes,
        )


class CheckpointFile:
    """Loads and saves a checkpoint.

    Args:
        path: The file; its directory must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Checkpoint | None:
        """Return the saved checkpoint, or None without one.

        Raises:
            StateError: The file cannot be read, or is not a checkpoint.
        """
        try:
            content = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StateError(f"The checkpoint {self._path} cannot be read: {error}.") from error
        try:
            return _parse_checkpoint(json.loads(content))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StateError(
                f"{self._path} is not a checkpoint of this version; --restart starts without it."
            ) from error

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the saved checkpoint.

        Raises:
            StateError: The file cannot be written; the earlier checkpoint is still there.
        """
        content = {"version": _VERSION, **asdict(checkpoint), "counts": checkpoint.counts._asdict()}
        temporary = self._path.with_name(f"{self._path.name}.new")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            _fsync_directory(self._path.parent)
        except OSError as error:
            raise StateError(
                f"The checkpoint {self._path} cannot be written: {error.strerror}."
            ) from error

    def remove(self) -> None:
        """Remove the saved checkpoint, if there is one."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _parse_checkpoint(content: dict[str, Any]) -> Checkpoint:
    if content.pop("version") != _VERSION:
        raise ValueError("another version")
    counts = Counts(**content.pop("counts"))
    if set(content) | {"counts"} != {member.name for member in fields(Checkpoint)}:
        raise ValueError("other members")
    checkpoint = Checkpoint(counts=counts, **content)
    integers = (*counts, checkpoint.position, checkpoint.rejected_bytes)
    if not all(type(value) is int and value >= 0 for value in integers):
        raise ValueError("a count is not a non-negative integer")
    return checkpoint


def _fsync_directory(path: Path) -> None:
    """Flush a directory, so that a rename in it survives a power failure."""
    directory_fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
