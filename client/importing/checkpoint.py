"""The checkpoint: how far an import has come, kept in a file so that a killed one can go on.

Written after each batch that the API has acknowledged, whole or not at all: to a temporary file
that is flushed to the disk and then renamed. Removed when the import has ended.
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
from client.importing.outcome import Counts

_VERSION: Final = 1


def _new_run() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """How far an import has come; without arguments, not yet anywhere.

    Args:
        run: Names the run, also when another process goes on with it.
        position: Records of the source that are done.
        fingerprint: Of those records, and of the options that decide what is sent.
        counts: What became of them.
        rejected_bytes: The length of the file of rejected rows.
    """

    run: str = field(default_factory=_new_run)
    position: int = 0
    fingerprint: str = ""
    counts: Counts = field(default_factory=Counts)
    rejected_bytes: int = 0

    def after(self, batch: Batch, counts: Counts, rejected_bytes: int) -> "Checkpoint":
        """Give the checkpoint once a batch is acknowledged and its rejected rows are on disk."""
        return replace(
            self,
            position=batch.position,
            fingerprint=batch.fingerprint,
            counts=self.counts + counts,
            rejected_bytes=rejected_bytes,
        )


class CheckpointFile:
    """Keeps a checkpoint.

    Args:
        path: Of the file; its directory is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Checkpoint | None:
        """Give what is kept, or None where nothing is.

        Raises:
            StateError: The file cannot be read, or is no checkpoint.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StateError(f"The checkpoint {self._path} cannot be read: {error}.") from error
        try:
            return _read(json.loads(text))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StateError(
                f"{self._path} is no checkpoint of this version; --restart starts without it."
            ) from error

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep this from now on.

        Raises:
            StateError: It cannot be written; the earlier one is still there.
        """
        content = {"version": _VERSION, **asdict(checkpoint), "counts": checkpoint.counts._asdict()}
        written = self._path.with_name(f"{self._path.name}.new")
        try:
            with written.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self._path)
            _flush_directory(self._path.parent)
        except OSError as error:
            raise StateError(
                f"The checkpoint {self._path} cannot be written: {error.strerror}."
            ) from error

    def remove(self) -> None:
        """Forget it."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _read(content: dict[str, Any]) -> Checkpoint:
    if content.pop("version") != _VERSION:
        raise ValueError("another version")
    counts = Counts(**content.pop("counts"))
    if set(content) | {"counts"} != {one.name for one in fields(Checkpoint)}:
        raise ValueError("other members")
    checkpoint = Checkpoint(counts=counts, **content)
    numbers = (*counts, checkpoint.position, checkpoint.rejected_bytes)
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("what is to be a count is none")
    return checkpoint


def _flush_directory(path: Path) -> None:
    """Have a rename survive a loss of power too."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
