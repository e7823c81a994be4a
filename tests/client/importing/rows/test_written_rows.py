"""Rows written in random notations, zones and layouts come out as the same entries."""

import io
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from client.importing import load_mapping
from client.importing.reading.records import read_records
from client.importing.rows.row_results import RowProcessor
from tests.client.importing.rows.written_rows import PROJECTS, Export, Worked, exports


@pytest.fixture(scope="module")
def mapping_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written") / "mapping.toml"


@given(written=exports())
def test_written_rows_are_the_same_entries(
    mapping_file: Path, written: tuple[list[Worked], str, Export]
) -> None:
    entries, zone, export = written
    assert entries_of(export, mapping_file) == [
        {
            "user_id": f"{entry.first_name} {entry.last_name}",
            "project": PROJECTS[entry.project],
            "date": f"{entry.start:%Y-%m-%dT%H:%M:%S.000Z}",
            "day": entry.start.astimezone(ZoneInfo(zone)).date().isoformat(),
            "seconds": entry.seconds,
        }
        for entry in entries
    ]


def entries_of(export: Export, mapping_file: Path) -> list[dict[str, Any]]:
    """Return the entries of an export, with their seconds."""
    mapping_file.write_text(export.toml, encoding="utf-8")
    mapping = load_mapping(mapping_file)
    processor = RowProcessor(mapping, "written", None)
    records = read_records(io.StringIO(export.content, newline=""), export.file_format, mapping)
    results = [processor.process(record) for record in records.rows]
    assert not [result.reason for result in results if result.reason]
    sent = [json.loads(result.entry) for result in results if result.entry]
    names = ("user_id", "project", "date", "day")
    return [
        {**{name: entry[name] for name in names}, "seconds": round(entry["hours"] * 3600)}
        for entry in sent
    ]
