"""The file of rejected rows: each as it was, preceded by its line and the reason.

It has the format of the source, so that it can be corrected and imported with the same mapping: CSV
with the source's columns, or NDJSON. ``records`` ignores the two columns that are added here. Cells
that a spreadsheet would take for a formula are not changed, or a corrected row would differ.
"""

import csv
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final, Self

from client.errors import StateError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.json_values import unique_members
from client.importing.reading.records import REJECTED_COLUMNS
from client.importing.rows.row_results import RejectedRow
from client.importing.sources.file_formats import default_delimiter
from client.importing.state.private_files import check_private_file, open_private_file
from encore.client.strict_json import parse_json

_LINE_ENDS: Final = re.compile(r"[\r\n]+")
"""Between the members of a JSON text; inside strings they are escaped."""


class RejectedFile:
    """Writes rejected rows; the file is created with the first one.

    Args:
        path: The file; None writes nothing.
        columns: The source's columns, if it is CSV.
        mapping: Delimiter and encoding are those with which a file of this name is read again.
        keep: Bytes of an earlier run's file to append to; the rest of it is removed.

    Raises:
        StateError: The file cannot be written.
    """

    def __init__(
        self, path: Path | None, columns: tuple[str, ...], mapping: FieldMapping, keep: int
    ) -> None:
        self._path = path
        self._columns = columns
        self._delimiter = mapping.delimiter or default_delimiter(path or Path())
        self._encoding = mapping.encoding or "utf-8"
        self._file: IO[str] | None = None
        self._length = keep
        if path is not None:
            try:
                if keep:
                    descriptor = open_private_file(path, os.O_WRONLY)
                    try:
                        os.truncate(descriptor, keep)
                    finally:
                        os.close(descriptor)
                elif check_private_file(path):
                    path.unlink()
            except OSError as error:
                raise self._state_error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejected_rows: Iterable[RejectedRow]) -> int:
        """Append rows, flush them to disk and return the length of the file in bytes.

        Args:
            rejected_rows: In any order; written in the order of the source.
        """
        rows = sorted(rejected_rows, key=lambda row: (row.record.page, row.record.line))
        if not rows or self._path is None:
            return self._length
        try:
            file = self._file or self._open(self._path)
            for record, reason in rows:
                line = record.line if record.page == 1 else f"{record.page}:{record.line}"
                if isinstance(record.raw, str):
                    file.write(f"{_format_json_row(line, reason, record.raw)}\n")
                else:
                    self._writer.writerow([line, reason, *record.raw])
            file.flush()
            os.fsync(file.fileno())
            self._length = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise self._state_error(error) from error
        return self._length

    def _open(self, path: Path) -> IO[str]:
        flags = os.O_WRONLY | os.O_APPEND | (0 if self._length else os.O_CREAT | os.O_EXCL)
        # Only a reason can contain characters that the source's encoding lacks.
        self._file = open(  # noqa: PTH123, SIM115 - a descriptor; closed by __exit__.
            open_private_file(path, flags),
            "a",
            encoding=self._encoding,
            errors="backslashreplace",
            newline="",
        )
        self._writer = csv.writer(self._file, delimiter=self._delimiter, lineterminator="\n")
        if self._columns and not self._length:
            self._writer.writerow([*REJECTED_COLUMNS, *self._columns])
        return self._file

    def _state_error(self, error: OSError) -> StateError:
        return StateError(f"Rejected rows cannot be written to {self._path}: {error.strerror}.")


def _format_json_row(line: int | str, reason: str, raw: str) -> str:
    """Return an object with line and reason before its members; other text becomes a member."""
    prefix = json.dumps({"line": line, "reason": reason}, ensure_ascii=False)
    try:
        value = parse_json(raw, object_pairs_hook=unique_members, parse_float=float)
    except ValueError:
        value = raw
    if not isinstance(value, dict):
        return f"{prefix[:-1]}, {json.dumps({'row': raw}, ensure_ascii=False)[1:]}"
    if not value:
        return prefix
    if value.keys().isdisjoint(REJECTED_COLUMNS):
        # The text itself, whose numbers may have more digits than Python's.
        return f"{prefix[:-1]}, {_LINE_ENDS.sub(' ', raw.strip())[1:]}"
    rest = {name: value[name] for name in value if name not in REJECTED_COLUMNS}
    return f"{prefix[:-1]}, {json.dumps(rest, ensure_ascii=False)[1:]}" if rest else prefix
