"""The order of day and month is checked before the first row is sent."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from client.importing.rows import date_order_check
from tests.client.importing.conftest import FakeUploadApi, ImportRun

HEADER = "user_id,date,project,hours"
WEEK = [f"{day:02}/03/2026" for day in range(2, 7)]
MONTH = [f"{day:02}/03/2026" for day in range(1, 32)]


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "m.toml"
    path.write_text('date_format = "%m/%d/%Y"')
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


def write(export: Path, days: list[str], copies: int = 1) -> None:
    lines = [f"ada,{day},Apollo,{1 + n / 100}" for day in days for n in range(copies)]
    export.write_text("\n".join([HEADER, *lines]))


@pytest.mark.parametrize("option", [(), ("--quiet",)])
def test_import_of_month_in_wrong_order_is_refused_before_first_batch(
    run: ImportRun, api: FakeUploadApi, export: Path, mapping: Path, option: tuple[str, ...]
) -> None:
    write(export, MONTH)
    code, _, err = run(export, "--mapping", mapping, "--batch-size", "2", *option)
    assert code == 11
    assert "'13/03/2026' (line 14) has a month above 12" in err
    assert 'write date_format = "%d/%m/%Y" in the mapping.\nNo row was imported.' in err
    assert api.requests == []
    mapping.write_text('date_format = "%d/%m/%Y"')
    assert run(export, "--mapping", mapping).code == 0
    assert len(api.entries) == 31


@pytest.mark.parametrize("option", ["--dry-run", "--preview"])
def test_dry_run_of_month_in_wrong_order_warns_and_exits_11(
    run: ImportRun, export: Path, mapping: Path, option: str
) -> None:
    write(export, MONTH)
    code, out, err = run(export, "--mapping", mapping, option)
    assert code == 11
    assert "An import refuses that." in err
    assert "12 rows" in out
    assert 'if day and month are exchanged, write date_format = "%d/%m/%Y"' in out


@pytest.mark.parametrize("option", [(), ("--quiet",), ("--dry-run",), ("--preview",)])
def test_week_in_wrong_order_is_imported_with_a_warning(
    run: ImportRun, export: Path, mapping: Path, option: tuple[str, ...]
) -> None:
    write(export, WEEK)
    code, _, err = run(export, "--mapping", mapping, *option)
    assert code == 0
    assert "lie months apart as date_format = '%m/%d/%Y' reads them" in err
    mapping.write_text('date_format = "%d/%m/%Y"')
    assert "apart" not in run(export, "--mapping", mapping, *option).err


def test_wrong_order_that_shows_late_ends_the_import(
    run: ImportRun,
    api: FakeUploadApi,
    export: Path,
    mapping: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(date_order_check, "MAX_HELD", 10)
    write(export, MONTH, copies=date_order_check.OBSERVED)
    code, _, err = run(export, "--mapping", mapping, "--batch-size", "50")
    assert code == 11
    assert "rows were imported, skipped or rejected." in err
    assert api.requests


def test_order_is_checked_in_a_template_with_extract(
    run: ImportRun, export: Path, mapping: Path
) -> None:
    export.write_text(
        "Who,Day,Time,Project,Hours\n" + "".join(f"ada,({day}),9:00 AM,Apollo,1\n" for day in MONTH)
    )
    mapping.write_text(
        'date_format = "%m/%d/%Y %I:%M %p"\n'
        '[fields]\nuser_id = "Who"\ndate = "{Day} {Time}"\nproject = "Project"\nhours = "Hours"\n'
        "[extract]\ndate = '([0-9/]+.*)'\n"
    )
    assert run(export, "--mapping", mapping).code == 14  # ")" is between day and time.
    export.write_text(export.read_text().replace("(", "").replace(")", ""))
    assert run(export, "--mapping", mapping).code == 11


def test_both_orders_in_a_list_are_warned_of(run: ImportRun, export: Path, mapping: Path) -> None:
    write(export, WEEK)
    mapping.write_text('date_format = ["%d/%m/%Y", "%m/%d/%Y"]')
    code, _, err = run(export, "--mapping", mapping)
    assert code == 0
    assert "contains both '%d/%m/%Y' and '%m/%d/%Y'" in err


def test_rows_before_a_broken_line_are_imported(
    run: ImportRun, api: FakeUploadApi, export: Path, mapping: Path
) -> None:
    export.write_bytes(f"{HEADER}\nada,03/02/2026,Apollo,1\nada,\xff".encode("latin-1"))
    assert run(export, "--mapping", mapping).code == 12
    assert len(api.entries) in {0, 1}


def test_confirmed_order_releases_rows_at_once(
    run: ImportRun, api: FakeUploadApi, export: Path, mapping: Path
) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(90)]
    write(export, [f"{day:%m/%d/%Y}" for day in days])
    code, _, err = run(export, "--mapping", mapping, "--batch-size", "30")
    assert code == 0
    assert err.count("\n") == 1
    assert len(api.entries) == 90
