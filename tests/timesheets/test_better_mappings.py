"""Imports without ids: a better mapping, and an earlier version's ids, do not double entries."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.importing import FieldMapping, load_mapping
from client.importing.reading.records import read_records
from client.importing.rows.row_results import RowProcessor
from tests.fixtures.system import ROOT
from tests.timesheets.conftest import ApiUsers, decide, read

pytestmark = pytest.mark.processes

FIRST = """
source = "tracker"
[fields]
user_id = "Who"
project = "Project"
date = "Start"
hours = "Minutes"
"""
BETTER = f"""
unit = "minutes"
time_zone = "Europe/Berlin"
{FIRST}
[values.project]
Apollo = "StoreZero"
"""
ROWS = [
    ("ada", "Apollo", "2026-03-02T08:00", "20"),
    ("ada", "Apollo", "2026-03-02T08:00", "20"),
    ("ada", "Hermes", "2026-03-03T23:30", "15"),
    ("bob", "Apollo", "2026-03-03", "7.5"),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([("Who", "Project", "Start", "Minutes"), *ROWS])
    (tmp_path / "export.csv").write_text(text.getvalue(), encoding="utf-8")
    return tmp_path / "export.csv"


def import_file(users: ApiUsers, source: Path, mapping: str) -> dict[str, int]:
    """Run the client; return the rows by result."""
    (source.parent / "m.toml").write_text(mapping, encoding="utf-8")
    system = users.system
    command = [sys.executable, "-m", "client", "import", "timesheets", str(source)]
    process = subprocess.run(
        [
            *command,
            "--url",
            f"{system.url}/timesheets/upload",
            "--mapping",
            source.parent / "m.toml",
        ],
        cwd=system.directory,
        env={**system.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    counts = re.findall(r"(\d+) (created|updated|unchanged|rejected)", process.stderr)
    return {name: int(count) for count, name in counts}


def mapped_rows(source: Path, mapping: FieldMapping) -> list[dict[str, Any]]:
    """Return the entries that the client sends."""
    with source.open(encoding="utf-8", newline="") as stream:
        records = read_records(stream, "csv", mapping)
        processor = RowProcessor(mapping, "tracker", None, records.columns)
        return [json.loads(processor.process(record).entry) for record in records.rows]


def test_better_mapping_updates_the_entries_of_the_first(users: ApiUsers, source: Path) -> None:
    hours_and_few = f'{FIRST}[skip]\nMinutes = ["15", "20"]\n'
    assert import_file(users, source, hours_and_few)["created"] == 1
    counts = import_file(users, source, BETTER)
    assert (counts["created"], counts["updated"], counts["rejected"]) == (3, 1, 0)
    assert import_file(users, source, BETTER)["unchanged"] == len(ROWS)
    later = BETTER.replace("Europe/Berlin", "Asia/Tokyo").replace("StoreZero", "StoreOne")
    counts = import_file(users, source, later)
    assert (counts["created"], counts["rejected"]) == (0, 0)
    assert len(read(users.machine(), "/timesheets", count=100)) == len(ROWS)


def test_entries_with_the_ids_of_an_earlier_version_are_renamed(
    users: ApiUsers, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(f'unit = "minutes"\n{FIRST}', encoding="utf-8")
    rows = mapped_rows(source, load_mapping(tmp_path / "m.toml"))
    machine = users.machine()
    stored = [{**row, "external_id": row["previous_external_id"]} for row in rows]
    for row in stored:
        del row["previous_external_id"]
    lines = "".join(f"{json.dumps(row)}\n" for row in stored)
    headers = {"Content-Type": "application/x-ndjson"}
    job = users.machine("batch:upload")
    report = job.post("/timesheets/upload", content=lines, headers=headers).json()
    assert report.get("created") == len(ROWS), report
    approved = read(machine, "/timesheets", count=1)[0]["id"]
    manager = users.person("manager@abc.example")
    assert decide(manager, approved, status="approved").status_code == 200

    counts = import_file(users, source, f'unit = "minutes"\n{FIRST}')
    assert counts == {"created": 0, "updated": 0, "unchanged": len(ROWS), "rejected": 0}
    entries = read(machine, "/timesheets", count=100)
    assert {entry["external_id"] for entry in entries} == {row["external_id"] for row in rows}
