"""Records of each format: CSV, NDJSON, JSON; malformed sources."""

import json
from pathlib import Path

import pytest

from tests.client.importing.conftest import FakeUploadApi, ImportRun, csv_of
from tests.client.importing.sample_rows import CSV, NDJSON, ROWS, SENT, sent


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.CSV", "\ufeff" + CSV.replace("\n", "\r\n\r\n")),
        ("a.ndjson", NDJSON),
        ("a.jsonl", f"\n{NDJSON.rstrip()}"),
        ("a.json", json.dumps(ROWS)),
        ("a.json", f" {json.dumps(ROWS, indent=4)}\n"),
    ],
)
def test_all_formats_yield_the_same_rows(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert run(tmp_path / name).code == 0
    assert sent(api) == SENT
    assert {source for source, _ in api.entries} == {name}


def test_single_json_object_is_one_row(run: ImportRun, api: FakeUploadApi, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ROWS[0]))
    assert run(tmp_path / "a.json").code == 0
    assert sent(api) == SENT[:1]


def test_empty_array_and_header_only_send_nothing(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "a.csv").write_text(csv_of())
    assert [run(tmp_path / name).code for name in ("a.json", "a.csv")] == [0, 0]
    assert api.requests == []


def test_cells_may_contain_line_ends_and_delimiters(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(csv_of('007,2017-05-10,"Store,\nZero",5,E1'))
    run(tmp_path / "a.csv")
    assert api.requests[0].rows[0]["project"] == "Store,\nZero"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", csv_of("007,2017-05-10,Pão,5,E1").encode("latin-1"), "is not utf-8"),
        ("a.csv", b"user_id,hour\n", "'hour' is not one of our fields (did you mean hours?)"),
        ("a.csv", b"user_id,hours,hours\n", "'hours' more than once"),
        ("a.csv", csv_of("x" * 1_100_000).encode(), "longer than"),
        ("a.json", b'[{"a": 1}', "cannot be read"),
        ("a.json", b'[{"a": 1} {"a": 1}]', "a comma or ] is missing"),
        ("a.json", b"[] []", "unexpected data after"),
        ("a.json", b"[" * 100_000, "cannot be read"),
        ("a.json", b"[1, NaN]", "row 2 is not JSON: NaN is not JSON"),
        ("a.json", b'[{}, {"a" 1}]', "row 2 is not JSON: Expecting ':' delimiter"),
        ("a.json", b'["' + b"x" * 1_200_000, "row 1 is not JSON, or longer than 1048576"),
    ],
)
def test_unreadable_source_exits_12_with_reason(
    run: ImportRun, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run(tmp_path / name)
    assert result.code == 12
    assert words in result.err


def test_unreadable_source_leaves_no_checkpoint(run: ImportRun, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    for name in ("missing.csv", "a.csv"):
        run(name)
    assert not list(tmp_path.glob(".import/*.json"))
