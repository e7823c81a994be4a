"""Rejected rows of each layout: kept, corrected, and imported with the same mapping."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.importing.conftest import FakeUploadApi, ImportRun

FIELDS = '[fields]\nuser_id = "who"\ndate = "day"\nproject = "project"\nhours = "hours"\n'


class Import(ImportRun):
    """Imports a source, then the corrected file of its rejected rows, with one mapping."""

    def both(
        self, name: str, text: str, mapping: str, corrections: dict[str, str], rejected: str
    ) -> str:
        """Return the text of the rejected rows as they were."""
        (self.directory / name).write_text(text)
        (self.directory / "m.toml").write_text(f'source = "s"\n{mapping}')
        options = ("--mapping", self.directory / "m.toml")
        result = self(self.directory / name, *options)
        assert result.code == 3, result.err
        rows = (self.state / f"s.rejected.{rejected}").read_text()
        corrected = self.directory / f"corrected.{rejected}"
        corrected.write_text(rows)
        again = self(corrected, *options, "--rejected", self.directory / f"still.{rejected}")
        assert again.code in (3, 14), again.err
        for wrong, right in corrections.items():
            assert wrong in rows
            rows = rows.replace(wrong, right)
        corrected.write_text(rows)
        result = self(corrected, *options)
        assert result.code == 0, result.err
        return rows


@pytest.fixture
def import_(environment: dict[str, str], tmp_path: Path) -> Import:
    return Import(environment, tmp_path)


def entries(api: FakeUploadApi) -> list[tuple[Any, ...]]:
    """Return what is stored."""
    names = ("user_id", "day", "project", "hours")
    return sorted(tuple(entry[name] for name in names) for entry in api.entries.values())


ADA = ("ada", "2026-03-02", "Apollo", 1)
BOB = ("bob", "2026-03-03", "Hermes", 2)


def test_row_with_broken_quote(import_: Import, api: FakeUploadApi) -> None:
    import_.both(
        "a.csv",
        'who,day,project,hours\nada,2026-03-02,"Apollo,1\nbob,2026-03-03,Hermes,2\n',
        FIELDS,
        {'"ada,2026-03-02,""Apollo,1"': "ada,2026-03-02,Apollo,1"},
        "csv",
    )
    assert entries(api) == [ADA, BOB]


def test_row_below_a_preamble(import_: Import, api: FakeUploadApi) -> None:
    import_.both(
        "a.csv",
        "Report\n\nsep=;\nwho;day;project;hours\nada;2026-03-02;Apollo\nbob;2026-03-03;Hermes;2\n",
        f"header = 4\n{FIELDS}",
        {"ada,2026-03-02,Apollo": "ada,2026-03-02,Apollo,1"},
        "csv",
    )
    assert entries(api) == [ADA, BOB]


def test_row_of_tsv(import_: Import, api: FakeUploadApi) -> None:
    import_.both(
        "a.tab",
        "who\tday\tproject\thours\nada\t2026-03-02\tApollo\tx\nbob\t2026-03-03\tHermes\t2\n",
        FIELDS,
        {"Apollo\tx": "Apollo\t1"},
        "tsv",
    )
    assert entries(api) == [ADA, BOB]


def test_cells_of_day_columns(import_: Import, api: FakeUploadApi) -> None:
    rows = import_.both(
        "a.csv",
        "who,project,2026-03-02,2026-03-03,Total\nada,Apollo,1,x,1\nbob,Hermes,25,2,\n",
        'day_columns = "%Y-%m-%d"\n' + FIELDS.replace('"hours"', '"cell"'),
        {",,x,": ",,3,", ",25,,": ",4,,"},
        "csv",
    )
    assert entries(api) == [
        ADA,
        ("ada", "2026-03-03", "Apollo", 3),
        ("bob", "2026-03-02", "Hermes", 4),
        BOB,
    ]
    assert len(list(csv.reader(rows.splitlines()))) == 3


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
def test_row_in_an_envelope(import_: Import, api: FakeUploadApi, suffix: str) -> None:
    rows = [
        {"day": "2026-03-02", "project": "Apollo", "hours": "x"},
        {"day": "2026-03-03", "project": "Hermes", "hours": 2, "who": "bob"},
    ]
    document = {"data": {"items": rows}, "who": "ada"}
    import_.both(
        f"a.{suffix}",
        json.dumps(document),
        f'format = "{suffix}"\nrows = "data.items"\n{FIELDS}',
        {'"x"': "1"},
        "ndjson",
    )
    assert entries(api) == [ADA, BOB]


def test_columns_without_name_need_no_mapping(
    import_: Import, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(
        ",user_id,date,project,hours,,\n0,ada,2026-03-02,Apollo,1,,\n", encoding="utf-8"
    )
    assert import_(tmp_path / "a.csv").code == 0
    assert entries(api) == [ADA]
