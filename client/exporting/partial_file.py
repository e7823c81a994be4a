"""A file that is written over several runs: ``FILE.part`` and its position, then ``FILE``.

``FILE.part.json`` says up to where the part is right. It is saved after the first rows, then once a
second, and when a run fails; after a run that was killed, what was written since is written again.
"""

import os
import time
import zlib
from contextlib import suppress
from typing import IO, Final

from client.errors import LockedError, OutputError
from client.exporting.encoding import GzipEncoder, PlainEncoder
from client.exporting.position import ExportKey, Position, SavedPosition, check_saved
from encore.client.errors import UsageError

SAVE_SECONDS: Final = 1.0

_BLOCK: Final = 1024 * 1024
_MODE: Final = 0o666
_FLAGS: Final[int] = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class PartialFile:
    """A file that replaces another one when it is complete.

    Args:
        path: A file that exists or not, in a folder that exists. A symbolic link is kept: its
            target is replaced.
        key: What is exported.

    Raises:
        UsageError: The file cannot be created.
        LockedError: Another export writes it.
    """

    def __init__(self, path: str, key: ExportKey) -> None:
        self._path = os.path.realpath(path)
        self._part = f"{self._path}.part"
        self._state = f"{self._part}.json"
        self._key = key
        self._encoder: PlainEncoder = GzipEncoder() if key.gzip else PlainEncoder()
        self._size = 0
        self._checksum = 0
        self._position: Position | None = None
        self._saved_at = -SAVE_SECONDS
        try:
            self._file: IO[bytes] = _open_locked(self._part)
        except OSError as error:
            raise UsageError(f"{path} cannot be written, nothing was sent: {error}.") from error

    def resume(self) -> Position | None:
        """Return where an earlier run has stopped; None if there is nothing that can be resumed.

        Raises:
            UsageError: It was another export.
        """
        saved = self._load()
        if saved is None:
            return None
        check_saved(saved, self._key, self._part)
        self._file.seek(0)
        rest, checksum = saved.size, 0
        while rest and (block := self._file.read(min(rest, _BLOCK))):
            checksum = zlib.crc32(block, checksum)
            rest -= len(block)
        if rest or checksum != saved.checksum:
            return None
        self._file.truncate(saved.size)
        self._file.seek(saved.size)
        self._size, self._checksum, self._position = saved.size, checksum, saved.position
        return saved.position

    def restart(self) -> int:
        """Begin with an empty file; return how many rows an earlier run had written."""
        saved = self._load()
        with suppress(OSError):
            os.unlink(self._state)
        self._file.seek(0)
        self._file.truncate()
        return 0 if saved is None else saved.position.rows

    def write(self, content: bytes, position: Position | None) -> None:
        """Write rows.

        Args:
            content: The rows.
            position: The position after them; None if the export cannot be resumed there.

        Raises:
            OutputError: They cannot be written.
        """
        try:
            if position is None and self._position is not None:
                self._save(self._position)
            self._append(self._encoder.encode(content))
            self._position = position
            if position and time.monotonic() - self._saved_at >= SAVE_SECONDS:
                self._save(position)
        except OSError as error:
            raise self._error(error) from error

    def commit(self) -> None:
        """Replace the file of this name. Raise ``OutputError``."""
        try:
            self._append(self._encoder.end())
            self._file.flush()
            os.fsync(self._file.fileno())
            with suppress(FileNotFoundError):  # Who could not read the old one cannot read this.
                os.chmod(self._part, os.stat(self._path).st_mode & 0o777)
            os.replace(self._part, self._path)
        except OSError as error:
            raise self._error(error) from error
        self._position = None
        with suppress(OSError):
            os.unlink(self._state)
        self._file.close()

    def keep(self) -> bool:
        """Close the file; return whether another run can resume it. If not, it is removed."""
        if self._file.closed:
            return False
        if self._position is not None:
            with suppress(OSError):  # Else the position of a second ago, if there is one.
                self._save(self._position)
        can_resume = os.path.exists(self._state)
        if not can_resume:
            with suppress(OSError):
                os.unlink(self._part)
        self.close()
        return can_resume

    def close(self) -> None:
        """Close the file, and leave everything as it is."""
        with suppress(OSError):
            self._file.close()

    def _append(self, content: bytes) -> None:
        self._file.write(content)
        self._checksum = zlib.crc32(content, self._checksum)
        self._size += len(content)

    def _save(self, position: Position) -> None:
        self._append(self._encoder.end())
        self._file.flush()
        saved = SavedPosition(self._key, position, self._size, self._checksum)
        temporary = f"{self._state}.new"
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        # In a folder of others, a link there could overwrite another file.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(saved.to_json())
        os.replace(temporary, self._state)
        self._saved_at = time.monotonic()

    def _load(self) -> SavedPosition | None:
        try:
            with open(self._state, encoding="utf-8") as file:
                return SavedPosition.from_json(file.read())
        except (OSError, ValueError):
            return None

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path} cannot be written: {error.strerror}.")


def _open_locked(path: str) -> IO[bytes]:
    """Open a file that one process at a time writes.

    Raises:
        LockedError: Another process writes it.
        OSError: It cannot be opened.
    """
    while True:
        file = open(os.open(path, _FLAGS, _MODE), "r+b")  # noqa: SIM115 - closed by keep
        try:
            _lock(file)
            # The other process may have renamed it after it was opened here.
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: IO[bytes]) -> None:
    try:
        import fcntl  # noqa: PLC0415 - Windows does not have it.
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LockedError(f"Another export writes {file.name}: it is locked.") from error
    except OSError:
        return  # A file system without locks.
