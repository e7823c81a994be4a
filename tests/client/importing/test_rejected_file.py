"""The file of rejected rows: unchanged rows with line and reason, to be corrected and imported."""

import csv
import json
from pathlib import Path

import pytest

from tests.client.importing.conftest import FakeUploadApi, Fault, ImportRun, csv_of, plain_rows

GOOD = "007,2017-05-10,StoreZero,5,E1"
TOO_MANY = "007,2017-05-10,StoreZero,25,E2"
NO_DATE = "007,10.5.2017,StoreZero,5,E3"


def rejected(run: ImportRun, name: str = "a.csv.rejected.csv") -> list[list[str]]:
    """Read the file of rejected rows."""
    with (run.state / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def test_rejected_file_has_rows_of_job_and_api_in_source_order(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    path.write_text(csv_of(GOOD, NO_DATE, TOO_MANY, "", "007,2017-05-10"))
    result = run(path)
    assert result.code == 3
    assert "1 created, 0 updated, 0 unchanged, 3 rejected" in result.err
    assert "Rejected rows are in " in result.err
    date = (
        "date must be a date in ISO 8601, not '10.5.2017'"
        ' (write its form in the mapping, such as date_format = "%d.%m.%Y")'
    )
    assert rejected(run) == [
        ["line", "reason", "user_id", "date", "project", "hours", "external_id"],
        ["3", date, "007", "10.5.2017", "StoreZero", "5", "E3"],
        ["4", "hours must not be 25", "007", "2017-05-10", "StoreZero", "25", "E2"],
        ["6", "has 2 cells, but there are 5 columns", "007", "2017-05-10"],
    ]
    assert len(api.entries) == 1


def test_corrected_csv_can_be_imported(
    run: ImportRun, api: FakeUploadApi, path: Path, tmp_path: Path
) -> None:
    path.write_text(csv_of(GOOD, NO_DATE, TOO_MANY))
    run(path)
    text = (run.state / "a.csv.rejected.csv").read_text()
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(text.replace(",25,", ",24,").replace("10.5.2017,", "2017-05-10,"))
    (tmp_path / "m.toml").write_text('source = "a.csv"')
    assert run(corrected, "--mapping", tmp_path / "m.toml").code == 0
    assert {key: entry["hours"] for key, entry in api.entries.items()} == {
        ("a.csv", "E1"): 5,
        ("a.csv", "E2"): 24,
        ("a.csv", "E3"): 5,
    }


def test_json_rows_are_written_as_ndjson_and_can_be_imported(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    row = {"user_id": "007", "date": "2017-05-10", "project": "Pão", "hours": 25}
    (tmp_path / "a.ndjson").write_text(f"{json.dumps(row)}\nnonsense\n[1]\n")
    assert run(tmp_path / "a.ndjson").code == 14
    path = run.state / "a.ndjson.rejected.ndjson"
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {"line": 1, "reason": "hours must not be 25", **row}
    assert second["row"] == "nonsense"
    assert second["reason"].startswith("is not JSON: ")
    assert third == {"line": 3, "reason": "is not a JSON object", "row": "[1]"}
    corrected = tmp_path / "b.ndjson"
    corrected.write_text(path.read_text().splitlines()[0].replace("25", "24"))
    assert run(corrected).code == 0
    assert len(api.entries) == 1


def test_numbers_of_json_rows_are_written_as_they_were(run: ImportRun, tmp_path: Path) -> None:
    row = '{"user_id": "007",\r\n "project": "a", "date": 1.00000000000000000001, "hours": 1e999}'
    (tmp_path / "a.json").write_text(f"[{row}]")
    assert run(tmp_path / "a.json").code == 14
    (line,) = (run.state / "a.json.rejected.ndjson").read_text().splitlines()
    assert line.endswith('"project": "a", "date": 1.00000000000000000001, "hours": 1e999}')


@pytest.mark.parametrize("name", ["a.ndjson", "a.json"])
def test_row_with_duplicate_member_is_rejected_and_kept(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path, name: str
) -> None:
    row = '{"user_id":"007","date":"2017-05-10","project":"a","hours":5,"hours":6}'
    (tmp_path / name).write_text(row)
    assert run(tmp_path / name).code == 14
    assert api.requests == []
    assert json.loads((run.state / f"{name}.rejected.ndjson").read_text()) == {
        "line": 1,
        "reason": "has the member 'hours' more than once",
        "row": row,
    }


def test_rejected_file_has_delimiter_and_encoding_of_source(
    run: ImportRun, path: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text('delimiter = ";"\nencoding = "utf-16"\nsource = "s"')
    rows = csv_of(*(f"007,2017-05-10,Pão,25,E{n}" for n in range(3))).replace(",", ";")
    path.write_text(rows, encoding="utf-16")
    # A file written in several chunks has one byte order mark.
    run(path, "--mapping", tmp_path / "m.toml", "--batch-size", "1")
    text = (run.state / "s.rejected.csv").read_text(encoding="utf-16")
    assert "\ufeff" not in text
    assert text.splitlines()[1] == "2;hours must not be 25;007;2017-05-10;Pão;25;E0"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "'a", '"', " b "])
def test_cells_are_written_unchanged(run: ImportRun, path: Path, cell: str) -> None:
    quoted = cell.replace('"', '""')
    path.write_text(csv_of(f'007,2017-05-10,"{quoted}",25,E1'))
    run(path)
    assert rejected(run)[1][4] == cell


def test_resumed_job_writes_each_rejected_row_once(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    rows = plain_rows(9)
    rows[0] = rows[4] = rows[8] = TOO_MANY.replace("E2", "X")
    path.write_text(csv_of(*(row.replace("X", f"X{n}") for n, row in enumerate(rows))))
    run(path)
    whole = rejected(run)
    for broken_after in range(5):
        api.entries.clear()
        api.faults += [None] * broken_after + [Fault(400)]
        run(path, "--batch-size", "2")
        # A kill between writing the rows and saving the checkpoint leaves extra ones.
        with (run.state / "a.csv.rejected.csv").open("a") as file:
            file.write("half a li")
        assert run(path, "--batch-size", "2").code == 3
        assert rejected(run) == whole


def test_missing_rejected_file_starts_over(run: ImportRun, api: FakeUploadApi, path: Path) -> None:
    path.write_text(csv_of(TOO_MANY, GOOD))
    api.faults += [None, Fault(400)]
    run(path, "--batch-size", "1")
    (run.state / "a.csv.rejected.csv").unlink()
    result = run(path, "--batch-size", "1")
    assert "does not contain the rejected rows of an earlier run. Starting over" in result.err
    assert len(rejected(run)) == 2


def test_next_import_replaces_or_removes_rejected_file(run: ImportRun, path: Path) -> None:
    for _ in range(2):
        path.write_text(csv_of(TOO_MANY))
        run(path)
        assert len(rejected(run)) == 2
    path.write_text(csv_of(GOOD))
    assert run(path).code == 0
    assert not (run.state / "a.csv.rejected.csv").exists()


def test_rejected_option_must_not_name_the_source(
    run: ImportRun, api: FakeUploadApi, path: Path, tmp_path: Path
) -> None:
    path.write_text(csv_of(TOO_MANY))
    assert run(path, "--rejected", tmp_path / "no.csv").code == 14
    assert "hours must not be 25" in (tmp_path / "no.csv").read_text()
    api.requests.clear()
    result = run(path, "--rejected", path)
    assert (result.code, api.requests) == (1, [])
    assert path.read_text() == csv_of(TOO_MANY)
    assert run(path, "--rejected", tmp_path / "missing" / "no.csv").code == 10


def test_batch_with_only_invalid_rows_is_not_sent(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    path.write_text(csv_of(NO_DATE, NO_DATE))
    assert run(path).code == 14
    assert api.requests == []
