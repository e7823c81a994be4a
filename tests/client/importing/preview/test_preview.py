"""``--preview``: the mapping alone, without settings and network."""

import io
from pathlib import Path

import pytest

from client.cli import main
from client.environment import Environment
from client.importing.preview import command
from tests.client.importing.conftest import FakeUploadApi, RunResult

MAPPING = """
source = "tempus"
external_id = "ID"
date_format = "%d.%m.%Y"
delimiter = ";"
decimal_comma = true
[fields]
user_id = "Who"
date = "Day"
project = "Project"
hours = "Hours"
"""
EXPORT = """ID;Who;Day;Project;Hours;Ignored
1;ada;02.03.2026;Apollo;7,5;x
2;ada;03.03.2026;Apollo;8;x
3;bob;32.03.2026;Apollo;8;x
4;bob;04.04.2026;Ap\x1b[31mollo;1,25;x
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "tempus.toml"
    path.write_text(MAPPING)
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    return path


def preview(directory: Path, *argv: str | Path, stdin: bytes = b"") -> RunResult:
    """Run a preview without any setting; no file may be written."""
    before = sorted(directory.iterdir())
    out, err = io.StringIO(), io.StringIO()
    arguments = ["import", "timesheets", *map(str, argv), "--preview"]
    stream = io.TextIOWrapper(io.BytesIO(stdin))
    code = main(Environment(arguments, {}, str(directory), stream, out, err))
    if "--rejected" not in argv:
        assert sorted(directory.iterdir()) == before
    return RunResult(code, out.getvalue(), err.getvalue())


def test_preview_shows_rows_beside_entries_sums_and_rejected_rows(
    tmp_path: Path, export: Path, mapping: Path, api: FakeUploadApi
) -> None:
    code, out, err = preview(tmp_path, export, "--mapping", mapping)
    assert code == 3
    assert err == "Preview of tempus, nothing is sent: 3 mapped, 1 rejected.\n"
    lines = [line.split() for line in out.splitlines()]
    assert lines[2][:6] == ["line", "Who", "Day", "Project", "Hours", "ID"]
    assert lines[3][:8] == ["2", "ada", "02.03.2026", "Apollo", "7,5", "1", "=>", "ada"]
    assert "2026-03-02" in out
    assert ["ada", "2026-03", "2", "15.50", "15:30:00"] in lines
    assert ["bob", "2026-04", "1", "1.25", "1:15:00"] in lines
    assert ["total", "3", "16.75", "16:45:00"] in lines
    assert lines[-1][:2] == ["4", "Day"]
    assert "Ignored" not in out
    assert "\x1b" not in out
    assert api.requests == []


def test_preview_quiet_prints_summary_of_rejected_rows_only(
    tmp_path: Path, export: Path, mapping: Path
) -> None:
    code, out, err = preview(tmp_path, export, "--mapping", mapping, "--quiet")
    assert (code, out) == (3, "")
    assert "1 rejected" in err
    export.write_text(EXPORT.replace("32.03", "31.03"))
    assert preview(tmp_path, export, "--mapping", mapping, "--quiet") == (0, "", "")


def test_preview_reads_stdin(tmp_path: Path, mapping: Path) -> None:
    arguments = ("-", "--mapping", mapping, "--format", "csv")
    code, out, _ = preview(tmp_path, *arguments, stdin=EXPORT.encode())
    assert code == 3
    assert "16:45:00" in out


def test_preview_since_leaves_out_earlier_rows(tmp_path: Path, export: Path, mapping: Path) -> None:
    code, out, err = preview(tmp_path, export, "--mapping", mapping, "--since", "2026-03-03")
    assert code == 3
    assert "2 mapped, 1 rejected, 1 before 2026-03-03" in err
    assert "02.03.2026" not in out


def test_preview_writes_rejected_rows_to_named_file(
    tmp_path: Path, export: Path, mapping: Path
) -> None:
    path = tmp_path / "bad.csv"
    _, _, err = preview(tmp_path, export, "--mapping", mapping, "--rejected", path)
    assert path.read_text().splitlines()[1].startswith("4;")
    assert f"Rejected rows are in {path}" in err
    code, _, err = preview(tmp_path, export, "--mapping", mapping, "--rejected", export)
    assert code == 1
    assert "would overwrite its source" in err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", 12),
        ("ID;Who;Day;Project\n", 12),
        ("ID;Who;Day;Project;Hours\n", 0),
        ("ID;Who;Day;Project;Hours\n1;ada;x;Apollo;7\n", 14),
    ],
)
def test_preview_exit_code_is_that_of_import(
    tmp_path: Path, export: Path, mapping: Path, content: str, code: int
) -> None:
    export.write_text(content)
    assert preview(tmp_path, export, "--mapping", mapping).code == code


def test_preview_with_invalid_mapping_exits_11(tmp_path: Path, export: Path, mapping: Path) -> None:
    mapping.write_text("nonsense = 1")
    assert preview(tmp_path, export, "--mapping", mapping).code == 11


@pytest.mark.parametrize(
    "option",
    [
        ("--url", "http://localhost"),
        ("--dry-run",),
        ("--restart",),
        ("--batch-size", "5"),
        ("--attempts", "1"),
        ("--insecure",),
    ],
)
def test_preview_with_option_of_requests_is_refused(
    tmp_path: Path, export: Path, option: tuple[str, ...]
) -> None:
    code, out, err = preview(tmp_path, export, *option)
    assert (code, out) == (1, "")
    assert f"--preview and {option[0]} exclude each other" in err


def test_preview_of_url_is_refused(tmp_path: Path) -> None:
    code, _, err = preview(tmp_path, "http://localhost:1/export.csv")
    assert code == 1
    assert "not a URL: it uses no network" in err


def test_preview_shows_ten_rows_and_ten_rejected_rows_of_many(
    tmp_path: Path, export: Path, mapping: Path
) -> None:
    rows = [f"{n};ada;{'02.03.2026' if n % 2 else 'x'};Apollo;0,1;" for n in range(100)]
    export.write_text("\n".join([EXPORT.splitlines()[0], *rows]))
    _, out, _ = preview(tmp_path, export, "--mapping", mapping)
    assert out.count("=> ") == 1 + 1 + 10
    assert out.count("Day must be") == 10
    assert "... and 40 more" in out


def test_preview_of_ndjson_shows_its_members(tmp_path: Path, mapping: Path) -> None:
    source = tmp_path / "a.ndjson"
    source.write_text('{"who": {"name": "東京"}, "day": "2026-03-02", "p": ["Apollo"], "h": 7}\n')
    mapping.write_text(
        '[fields]\nuser_id = "who.name"\ndate = "day"\nproject = "{p.0}!"\nhours = "h"\n'
    )
    code, out, _ = preview(tmp_path, source, "--mapping", mapping)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[2][:6] == ["line", "who.name", "day", "p.0", "h", "=>"]
    assert lines[3][:6] == ["1", "東京", "2026-03-02", "Apollo", "7", "=>"]


def test_preview_on_narrow_terminal_has_a_line_for_each_field(
    tmp_path: Path, export: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "WIDTH_OF_FILES", 60)
    _, out, _ = preview(tmp_path, export, "--mapping", mapping)
    lines = out.splitlines()
    assert lines[2] == "line 2"
    assert lines[3] == "  Who: ada                    => user_id: ada"
    assert max(map(len, lines)) <= 60
