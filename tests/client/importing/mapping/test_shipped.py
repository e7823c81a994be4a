"""The shipped mappings: each reads an export in the shape of its tool."""

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest

from client.cli import main
from client.environment import Environment
from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.loading import load_mapping
from client.importing.mapping.shipped import shipped_mappings
from client.importing.options import ImportOptions
from client.importing.rows.row_results import RowProcessor, RowResult
from client.importing.sources.file import FileSource
from client.importing.sources.reading import open_records
from encore.client.errors import ConfigurationError
from tests.client.importing.conftest import RunResult

EXPORTS: Final = Path(__file__).parents[3] / "data/trackers"
SETTINGS: Final = {"timewarrior": ["defaults.user_id=ada", "time_zone=Europe/Berlin"]}
"""What a shipped mapping cannot know."""

# User, project, day and seconds of each row; how many are skipped, how many rejected.
EXPECTED: Final[dict[str, tuple[list[tuple[str, str, str, int]], int, int]]] = {
    "clockify": (
        [
            ("ada@clockify.example", "Apollo", "2026-03-02", 5400),
            ("ada@clockify.example", "Apollo", "2026-03-13", 4800),
        ],
        1,
        0,
    ),
    "gitlab": (
        [
            ("ada.gitlab", "acme/apollo", "2026-03-02", 5400),
            ("bob.gitlab", "acme/apollo", "2026-03-03", 1200),
        ],
        0,
        1,
    ),
    "harvest": (
        [
            ("Ada Lund", "Apollo", "2026-03-02", 5400),
            ("Bo Lund", "Apollo", "2026-03-02", 1188),
            ("Cy Ek", "Apollo", "2026-03-03", 26100),
        ],
        0,
        0,
    ),
    "jira": (
        [
            ("Ada Lund", "10002", "2026-03-02", 5400),
            ("Bob Ek", "10002", "2026-03-03", 36000),
        ],
        0,
        0,
    ),
    "kimai": (
        [
            ("ada.kimai", "Apollo", "2026-03-02", 5400),
            ("ada.kimai", "Apollo", "2026-03-02", 9900),
        ],
        1,
        0,
    ),
    "openproject": ([("Ada OP", "Apollo", "2026-03-02", 5400)], 0, 1),
    "redmine": (
        [
            ("Ada RM", "Apollo", "2026-03-02", 5400),
            ("Ada RM", "Apollo", "2026-03-03", 1200),
        ],
        0,
        0,
    ),
    "tempo": (
        [
            ("ada.tempo", "AP", "2026-03-02", 5400),
            ("ada.tempo", "AP", "2026-03-02", 1200),
            ("ada.tempo", "AP", "2026-03-03", 25200),
        ],
        1,
        0,
    ),
    "timewarrior": (
        [
            ("ada", "Apollo", "2026-03-02", 5400),
            ("ada", "Apollo", "2026-03-03", 3600),
        ],
        1,
        0,
    ),
    "toggl": (
        [
            ("ada@toggl.example", "Apollo", "2026-03-02", 5400),
            ("ada@toggl.example", "Apollo", "2026-03-02", 5430),
            ("bob@toggl.example", "Hermes", "2026-03-29", 3600),
            ("bob@toggl.example", "Hermes", "2026-03-30", 1800),
            ("bob@toggl.example", "Hermes", "2026-03-30", 1200),
            ("bob@toggl.example", "Hermes", "2026-03-30", 1200),
        ],
        1,
        0,
    ),
}


def export_of(name: str) -> Path:
    (path,) = EXPORTS.glob(f"{name}.*")
    return path


def process(path: Path, mapping: FieldMapping) -> list[RowResult]:
    """Return the results of all rows of a file."""
    with open_records(FileSource(path), mapping, ImportOptions(), reopen=False) as opened:
        processor = RowProcessor(mapping, mapping.source, None, opened.records.columns)
        return [processor.process(record) for record in opened.records.rows]


def command(directory: Path, *argv: str) -> RunResult:
    out, err = io.StringIO(), io.StringIO()
    stdin = io.TextIOWrapper(io.BytesIO())
    code = main(Environment(["import", *argv], {}, str(directory), stdin, out, err))
    return RunResult(code, out.getvalue(), err.getvalue())


def test_each_shipped_mapping_has_an_export_to_read() -> None:
    assert set(EXPECTED) == set(shipped_mappings())


@pytest.mark.parametrize("name", EXPECTED)
def test_shipped_mapping_reads_its_export(name: str) -> None:
    rows, skipped, rejected = EXPECTED[name]
    results = process(export_of(name), load_mapping(Path(name), SETTINGS.get(name, ())))
    entries: list[dict[str, Any]] = [json.loads(r.entry) for r in results if r.entry]
    assert [
        (e["user_id"], e["project"], e["day"], round(e["hours"] * 3600)) for e in entries
    ] == rows
    assert sum(result.is_skipped for result in results) == skipped
    assert sum(bool(result.reason) for result in results) == rejected
    assert {entry["source"] for entry in entries} == {name}


@pytest.mark.parametrize("name", [name for name in EXPECTED if export_of(name).suffix == ".csv"])
def test_csv_without_a_mapping_names_the_shipped_one_that_fits(name: str) -> None:
    with pytest.raises(SourceError, match=f"are those of {name}: pass --mapping {name}"):
        process(export_of(name), FieldMapping())


def test_json_without_a_mapping_names_the_shipped_one_that_fits() -> None:
    results = process(export_of("timewarrior"), FieldMapping())
    assert {"pass --mapping timewarrior" in result.reason for result in results} == {True, False}


def test_list_has_name_and_tool_of_each_mapping(tmp_path: Path) -> None:
    result = command(tmp_path, "--list-mappings")
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()] == list(shipped_mappings())


def test_shown_mapping_can_be_saved_and_adapted(tmp_path: Path) -> None:
    result = command(tmp_path, "--show-mapping", "toggl")
    (tmp_path / "mine.toml").write_text(result.out)
    assert load_mapping(tmp_path / "mine.toml") == load_mapping(Path("toggl"))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--show-mapping", "togl"], "known are clockify"),
        (["--list-mappings", "--show-mapping", "toggl"], "exclude each other"),
        (["timesheets", "x.csv", "--list-mappings"], "imports nothing"),
    ],
)
def test_contradicting_arguments_are_refused(tmp_path: Path, argv: list[str], words: str) -> None:
    result = command(tmp_path, *argv)
    assert (result.code, result.out) == (1, "")
    assert words in result.err


def test_name_of_no_mapping_is_refused_with_the_closest() -> None:
    with pytest.raises(ConfigurationError, match=r"neither a file nor a shipped mapping.*toggl"):
        load_mapping(Path("togl"))


def test_name_that_is_also_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toggl").write_text('source = "mine"')
    with pytest.raises(ConfigurationError, match="a shipped mapping and a file"):
        load_mapping(Path("toggl"))
    assert load_mapping(tmp_path / "toggl").source == "mine"
