"""Mapping files: a mapped import, and invalid mappings."""

from pathlib import Path

import pytest

from client.errors import ConfigurationError
from client.importing.mapping.loading import load_mapping
from tests.client.importing.conftest import FakeUploadApi, ImportRun

MAPPING = """
source = "tempus"
external_id = "Entry ID"
date_format = "%d.%m.%Y %H:%M"
time_zone = "Europe/Berlin"
decimal_comma = true
delimiter = ";"
encoding = "cp1252"
[fields]
user_id = "Employee No"
date = "Start"
project = "Project"
hours = "Hours"
[defaults]
project = "StoreZero"
user_type = "Contractor"
"""
EXPORT = (
    "Entry ID;Employee No;Start;Project;Hours;Remark\r\n"
    "E1;007;10.05.2017 17:40;Pão;7,25;=1+1\r\n"
    "E2;008; 31.12.2017 23:30 ;;8;\r\n"
)


def test_mapped_rows_have_our_names_and_notations(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "tempus.toml").write_text(MAPPING)
    (tmp_path / "export.csv").write_bytes(EXPORT.encode("cp1252"))
    assert run(tmp_path / "export.csv", "--mapping", tmp_path / "tempus.toml").code == 0
    assert api.requests[0].rows == [
        {
            "source": "tempus",
            "external_id": "E1",
            "user_type": "Contractor",
            "user_id": "007",
            "date": "2017-05-10T15:40:00.000Z",
            "day": "2017-05-10",
            "project": "Pão",
            "hours": 7.25,
        },
        {
            "source": "tempus",
            "external_id": "E2",
            "user_type": "Contractor",
            "user_id": "008",
            "date": "2017-12-31T22:30:00.000Z",
            "day": "2017-12-31",
            "project": "StoreZero",
            "hours": 8,
        },
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sourse = 'a'", "'sourse' is unknown (did you mean source?)"),
        ("xyz = 'a'", "'xyz' is unknown (known are "),
        (
            "[fields]\nuser = 'a'",
            "[fields] 'user' is not one of our fields (did you mean user_id?)",
        ),
        (
            "[defaults]\nhour = 1",
            "[defaults] 'hour' is not one of our fields (did you mean hours?)",
        ),
        ("[defaults]\nexternal_id = 'a'", "would be the same for all rows"),
        ("[defaults]\nhours = true", "[defaults] hours must be a string or a number, not true"),
        ("[fields]\nhours = 1", "[fields] hours must be the name of a column"),
        ("external_id = 'a'\n[fields]\nexternal_id = 'b'", "both in [fields] and outside"),
        ("fields = 'a'", "fields must be a table"),
        ("decimal_comma = 'yes'", "decimal_comma must be true or false"),
        ("source = 1", "source must be a string"),
        (f"source = '{'a' * 101}'", "source must have 1 to 100 characters"),
        ("time_zone = 'Europe/Bern'", "time_zone 'Europe/Bern' is not known"),
        ("time_zone = '../etc/passwd'", "time_zone '../etc/passwd' is not known"),
        ("delimiter = ';;'", "delimiter must be one character"),
        ("encoding = 'utf-88'", "encoding 'utf-88' is unknown"),
        ("encoding = 'base64'", "encoding 'base64' is unknown"),
        ("date_format = '%d.%m.%Q'", "date_format '%d.%m.%Q' contains %Q"),
        ("date_format = '%d.%m.'", "date_format '%d.%m.' must contain day, month and year"),
        ("a = ", "is not TOML"),
    ],
)
def test_invalid_mapping_is_reported_with_option_and_file(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        load_mapping(path)
    assert words in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_missing_mapping_file_exits_11(run: ImportRun) -> None:
    result = run("a.csv", "--mapping", "missing.toml")
    assert result.code == 11
    assert result.err == "missing.toml cannot be read: No such file or directory.\n"


def test_missing_mapped_column_exits_12_with_suggestion(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    (tmp_path / "a.csv").write_text(EXPORT.replace("Employee No", "Employee"))
    result = run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml")
    assert (result.code, api.requests) == (12, [])
    assert "no column 'Employee No' (did you mean Employee?)" in result.err


def test_mapping_with_only_external_id(run: ImportRun, api: FakeUploadApi, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('external_id = "ID"')
    (tmp_path / "a.csv").write_text("ID,user_id,date,project,hours\nE1,007,2017-05-10,a,5\n")
    assert run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml").code == 0
    assert list(api.entries) == [("a.csv", "E1")]


def test_header_without_required_column_exits_12(run: ImportRun, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,date,project\n007,2017-05-10,a\n")
    result = run(tmp_path / "a.csv")
    assert result.code == 12
    assert "has no column 'hours'" in result.err
    (tmp_path / "m.toml").write_text("[defaults]\nhours = 8")
    assert run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml").code == 0
