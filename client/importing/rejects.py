"""The file of rejected rows: each as it was, with its line and the reason in front.

It has the form of the source, so that it can be corrected and imported again with the same mapping:
CSV in the source's own columns, or NDJSON. ``records`` passes over what was put in front. A cell
that a spreadsheet would take for a formula stays as it is, or a correction would not be the row.
"""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Self

from client.errors import StateError
from client.importing.batches import Rejection
from client.importing.mapping import FieldMapping
from client.importing.records import REJECTED_COLUMNS


class RejectedRows:
    """Writes rejected rows; the file is there once one was written.

    Args:
        path: Of the file; None writes nothing.
        columns: The source's, if it is CSV.
        mapping: Delimiter and encoding are the source's.
        keep: Bytes of an earlier run's file to go on behind; the rest of it is dropped.

    Raises:
        StateError: The file cannot be written.
    """

    def __init__(
        self, path: Path | None, columns: tuple[str, ...], mapping: FieldMapping, keep: int
    ) -> None:
        self._path = path
        self._columns = columns
        self._delimiter = mapping.delimiter
        self._encoding = mapping.encoding
        self._file: IO[str] | None = None
        self._length = keep
        if path is not None:
            try:
                if keep:
                    os.truncate(path, keep)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejections: Iterable[Rejection]) -> int:
        """Append rows and have them on the disk; give the length of the file in bytes.

        Args:
            rejections: In any order; written in that of the source.
        """
        rows = sorted(rejections, key=lambda rejection: rejection.record.line)
        if not rows or self._path is None:
            return self._length
        try:
            file = self._file or self._open(self._path)
            for record, reason in rows:
                if isinstance(record.raw, str):
                    file.write(f"{_json_row(record.line, reason, record.raw)}\n")
                else:
                    self._writer.writerow([record.line, reason, *record.raw])
            file.flush()
            os.fsync(file.fileno())
            self._length = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise self._failed(error) from error
        return self._length

    def _open(self, path: Path) -> IO[str]:
        # What the source's encoding lacks may be in a reason, not in the row.
        self._file = path.open("a", encoding=self._encoding, errors="backslashreplace", newline="")
        self._writer = csv.writer(self._file, delimiter=self._delimiter, lineterminator="\n")
        if self._columns and not self._length:
            self._writer.writerow([*REJECTED_COLUMNS, *self._columns])
        return self._file

    def _failed(self, error: OSError) -> StateError:
        return StateError(f"Rejected rows cannot be written to {self._path}: {error.strerror}.")


def _json_row(line: int, reason: str, raw: str) -> str:
    """Put line and reason in front of an object's members; other text becomes a member."""
    front = json.dumps({"line": line, "reason": reason}, ensure_ascii=False)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = raw
    if not isinstance(value, dict):
        return f"{front[:-1]}, {json.dumps({'row': raw}, ensure_ascii=False)[1:]}"
    rest = {name: value[name] for name in value if name not in REJECTED_COLUMNS}
    return f"{front[:-1]}, {json.dumps(rest, ensure_ascii=False)[1:]}" if rest else front
