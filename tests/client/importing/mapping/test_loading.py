"""Mapping files: a mapped import, and invalid mappings."""

from pathlib import Path

import pytest

from client.importing.mapping.loading import load_mapping
from encore.client.errors import ConfigurationError
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
FIELDS = "[fields]\nuser_id = 'U'\nproject = 'P'\ndate = 'D'\nhours = 'H'\n"
WEEKLY = FIELDS.replace("date = 'D'", "year = 'Y'\nweek = 'W'")
ENDS = FIELDS.replace("hours = 'H'", "end = 'E'")
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
        (f"source = 'a\\u001bb'\n{FIELDS}".replace("'", '"'), "must not contain control"),
        (f"next = ''\n{FIELDS}", "next must not be empty: remove it"),
        (f"body = ''\n{FIELDS}", "body must not be empty: remove it"),
        (f"since_parameter = ''\n{FIELDS}", "since_parameter must not be empty: remove it"),
        ("[fields]", "[fields] is empty: remove it"),
        (f"{FIELDS}[skip]", "[skip] is empty: remove it"),
        ("format = 'xml'", "format must be csv, ndjson or json, not 'xml'"),
        ("header = 0", "header must be the line of the column names, from 1, not 0"),
        ("header = true", "header must be an integer, not true"),
        ("header = '2'", "header must be an integer, not '2'"),
        ("format = 'json'\nheader = 2", "header has no effect on JSON: remove it"),
        ("format = 'ndjson'\ndelimiter = ';'", "delimiter has no effect on NDJSON: remove it"),
        ("format = 'csv'\nrows = 'a'", "rows has no effect on CSV: remove it"),
        ("rows = 'a'\nheader = 2", "header and rows exclude each other: header is for CSV"),
        ("rows = 'a..b'", "rows must be names of members, separated by dots, not 'a..b'"),
        ("rows = ''", "rows must be names of members"),
        ("unit = 'minute'", "unit 'minute' is unknown (did you mean minutes?)"),
        ("date_format = []", "date_format must be a string or a list of strings, not []"),
        ("date_format = ['%d.%m.%Y', 1]", "date_format must be a string or a list of strings"),
        ("date_format = ['', '']", "date_format '' is listed more than once"),
        ("date_format = ['', '%d.%m.']", "date_format '%d.%m.' must"),
        ("source = ' '", "source must have 1 to 100 characters"),
        ("source = 'a'\n[defaults]\nsource = 'b'", "source is set both in [defaults] and outside"),
        ("external_id = '{A'", "external_id has a { that is not closed: '{A'"),
        ("external_id = ''", "external_id must not be empty"),
        ("[fields]\nuser_id = '{A} {B'", "[fields] user_id has a { that is not closed: '{B'"),
        ("[fields]\nuser_id = ''", "[fields] user_id must not be empty"),
        ("[fields]\nuser_id = ['a']", "[fields] user_id must be the name of a column, a path or"),
        ("[defaults]\ndate = 2026-03-02", "must be a string or a number, not 2026-03-02"),
        ("[defaults]\nuser_id = ''", "[defaults] user_id must be a string or a number, not ''"),
        ("[defaults]\nend = '17:00'", "[defaults] end is unsupported: map the column"),
        ("[defaults]\nday = '2026-03-02'", "[defaults] day is unsupported: map the column"),
        (f"{FIELDS}end = 'E'", "[fields] end and [fields] hours exclude each other"),
        (
            "[fields]\nuser_id = 'U'\nproject = 'P'\ndate = 'D'\nend = 'E'\n[defaults]\nhours = 1",
            "[fields] end and [defaults] hours exclude each other",
        ),
        (
            "[fields]\nuser_id = 'U'\nproject = 'P'\nday = 'D'\nend = 'E'",
            "[fields] end needs date: the hours are end minus date",
        ),
        ("[fields]\nuser_id = 'U'", "[fields] must have project: name its column, or give it"),
        ("[fields]\nuser_id = 'U'\nproject = 'P'", "[fields] must have hours (or end): name"),
        (
            "[fields]\nuser_id = 'U'\nproject = 'P'\nhours = 'H'",
            "[fields] must have date (or year and week): name its column",
        ),
        (f"{FIELDS}week = 'W'", "[fields] must have year and week both, or neither"),
        (
            f"unit = 'minutes'\n{ENDS}",
            "unit has no effect: map hours in [fields], or remove it",
        ),
        (
            f"time_zone = 'Europe/Berlin'\n{WEEKLY}",
            "time_zone has no effect: map date or day or end in [fields], or remove it",
        ),
        (f"{FIELDS}[values]\nuser_id = 'a'", "[values.user_id] must be a table of what they say"),
        (f"{FIELDS}[values.user_id]", "[values.user_id] must be a table of what they say"),
        (
            f"{FIELDS}[values.user_id]\na = true",
            "[values.user_id] 'a' must be a string or a number, not true",
        ),
        (
            f"{FIELDS}[values.user_type]\na = 'b'",
            "[values.user_type] has no effect: map user_type in [fields], or remove it",
        ),
        (f"{FIELDS}[values.user]\na = 'b'", "'user' is not one of our fields (did you mean user_"),
        (f"{FIELDS}[extract]\nuser_type = '(.)'", "[extract] user_type has no effect"),
        (f"{FIELDS}[extract]\nproject = 1", "[extract] project must be a regular expression, not"),
        (f"{FIELDS}[extract]\nproject = '(.'", "'(.' is not a regular expression: missing )"),
        (f"{FIELDS}[extract]\nproject = '[[]a]'", "is not a regular expression: Possible nested"),
        (f"{FIELDS}[extract]\nproject = 'a'", "'a' has no group: put parentheses around the part"),
        ("[skip]\nA = 1", "[skip] 'A' must be a string or a list of strings, not 1"),
        ("[only]\nA = []", "[only] 'A' must be a string or a list of strings, not []"),
        ("[skip]\n'{A' = 'x'", "[skip] '{A' has a { that is not closed"),
        ("[skip]\nA = '[ab'", "[skip] 'A' = '[ab' has a [ that is not closed"),
        ("[skip]\nA = '[z-a]'", "[skip] 'A' = '[z-a]' has a range that runs backwards"),
        (f"day_columns = '%Y-%m-%d'\n{FIELDS}", "day_columns needs the column 'day': write date ="),
        ("day_columns = '%d.%m.'", "day_columns '%d.%m.' must"),
        ("day_columns = '%Y-%m-%d %H:%M'", "day_columns must be the form of days, without a time"),
        ("day_columns = 'excel'", "day_columns must be the form of the columns' names"),
        ("day_columns = ''", "day_columns must be the form of the columns' names"),
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


def test_mapping_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "tempus.toml"
    path.write_text(FIELDS, encoding="utf-8-sig")
    assert load_mapping(path).fields["user_id"] == "U"


def test_missing_mapping_file_exits_11(run: ImportRun) -> None:
    result = run("a.csv", "--mapping", "missing.toml")
    assert result.code == 11
    assert result.err == "missing.toml cannot be read: No such file or directory.\n"


def test_missing_mapped_column_exits_12_with_suggestion(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    (tmp_path / "a.csv").write_bytes(EXPORT.replace("Employee No", "Employee").encode("cp1252"))
    result = run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml")
    assert (result.code, api.requests) == (12, [])
    assert "no column 'Employee No' (did you mean Employee?)" in result.err
    assert "write header = NUMBER in the mapping" in result.err


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


@pytest.mark.parametrize(
    ("name", "mapping", "words"),
    [
        ("a.csv", "rows = 'a'", "The mapping's rows has no effect, as the source is CSV"),
        ("a.tsv", "rows = 'a'", "The mapping's rows has no effect, as the source is TSV"),
        ("a.json", "header = 2", "The mapping's header has no effect, as the source is JSON"),
        ("a.ndjson", "delimiter = ';'", "The mapping's delimiter has no effect, as the source is"),
    ],
)
def test_key_without_effect_on_the_format_of_the_source_exits_11(
    run: ImportRun, tmp_path: Path, name: str, mapping: str, words: str
) -> None:
    (tmp_path / "m.toml").write_text(mapping)
    (tmp_path / name).write_text("")
    result = run(tmp_path / name, "--mapping", tmp_path / "m.toml")
    assert result.code == 11
    assert words in result.err


def test_skipped_rows_are_counted_in_the_summary(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text('[skip]\nproject = "x"')
    rows = "007,2026-03-02,x,5\n007,2026-03-02,a,5\n007,2026-03-01,a,5\n"
    (tmp_path / "a.csv").write_text(f"user_id,date,project,hours\n{rows}")
    result = run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml", "--since", "2026-03-02")
    assert result.code == 0
    assert "1 created, 0 updated, 0 unchanged, 0 rejected, 1 skipped, 1 before 2026-03-02" in (
        result.err
    )
    assert len(api.entries) == 1


def test_member_that_no_row_of_json_has_exits_12_and_nothing_is_sent(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(f"{FIELDS}user_type = 'Kynd'")
    row = '{"U": "007", "P": "a", "D": "2026-03-02", "H": 5, "Kind": "Employee"}'
    (tmp_path / "a.json").write_text(f"[{row}]")
    result = run(tmp_path / "a.json", "--mapping", tmp_path / "m.toml")
    assert (result.code, api.requests) == (12, [])
    assert result.err == (
        "No row of the source has 'Kynd', which [fields] user_type names (did you mean Kind?).\n"
    )
