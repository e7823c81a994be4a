"""Row results: conditions, fields, extracts, value maps, notations and defaults of one record."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record
from client.importing.rows.row_results import RowProcessor, RowResult
from encore.client.errors import ConfigurationError

FIELDS = {"user_id": "Who", "project": "Project", "date": "Day", "hours": "Hours"}
ROW = {"Who": "Ada", "Project": "Apollo", "Day": "2026-03-02", "Hours": "1.5"}


def process(
    *rows: dict[str, Any], columns: Sequence[str] = (), finish: bool = True, **mapping: Any
) -> list[RowResult]:
    """Process rows, of JSON unless columns are given."""
    mapping = {"fields": FIELDS, **mapping}
    processor = RowProcessor(FieldMapping(**mapping), "tracker", None, columns)
    results = [processor.process(Record(line, row, "")) for line, row in enumerate(rows, 1)]
    if finish:
        processor.finish()
    return results


def entry(row: dict[str, Any], **mapping: Any) -> dict[str, Any]:
    """Return the entry that is sent for a row of CSV."""
    (result,) = process(row, columns=tuple(row), **mapping)
    assert not result.reason
    sent: dict[str, Any] = json.loads(result.entry)
    return sent


def reason(row: dict[str, Any], **mapping: Any) -> str:
    """Return why a row of CSV is rejected."""
    (result,) = process(row, columns=tuple(row), **mapping)
    assert result.reason
    return result.reason


def skips(row: dict[str, Any], **mapping: Any) -> bool:
    """Return whether a row of JSON is skipped."""
    (result,) = process({**ROW, **row}, finish=False, **mapping)
    assert bool(result.entry) != result.is_skipped
    return result.is_skipped


@pytest.mark.parametrize(
    ("row", "skip"),
    [
        ({"Status": "60"}, {"Status": ("60",)}),
        ({"Status": 60}, {"Status": ("60",)}),
        ({"Status": 1.5}, {"Status": ("1.5",)}),
        ({"Running": True}, {"Running": ("true",)}),
        ({"End": ""}, {"End": ("",)}),
        ({"End": None}, {"End": ("",)}),
        ({}, {"End": ("",)}),
        ({"Type": "B1"}, {"Type": ("x", "[ABC]?")}),
        ({"Type": "Sick leave"}, {"Type": ("Sick*",)}),
        ({"time": {"end": None}}, {"time.end": ("",)}),
        ({"A": "1", "B": "x"}, {"A": ("2",), "B": ("x",)}),
    ],
)
def test_row_is_skipped_if_any_column_fits(row: dict[str, Any], skip: dict[str, Any]) -> None:
    assert skips(row, skip=skip)


@pytest.mark.parametrize(
    ("row", "skip"),
    [
        ({"Status": "600"}, {"Status": ("60",)}),
        ({"Type": "sick leave"}, {"Type": ("Sick*",)}),
        ({"Type": "D1"}, {"Type": ("[ABC]?",)}),
        ({"End": "10:00"}, {"End": ("",)}),
    ],
)
def test_row_is_not_skipped_if_no_column_fits(row: dict[str, Any], skip: dict[str, Any]) -> None:
    assert not skips(row, skip=skip)


@pytest.mark.parametrize(
    ("row", "is_skipped"),
    [
        ({"A": "1", "B": "x"}, False),
        ({"A": "2", "B": "x"}, False),
        ({"A": "1", "B": "y"}, True),
        ({"A": "1"}, True),
    ],
)
def test_row_is_imported_if_all_columns_of_only_fit(
    row: dict[str, Any], *, is_skipped: bool
) -> None:
    assert skips(row, only={"A": ("1", "2"), "B": ("x",)}) == is_skipped


@pytest.mark.parametrize("columns", [("user_id", "project", "date", "hours", "Status"), ()])
def test_rows_in_our_names_may_have_columns_that_conditions_name(columns: Sequence[str]) -> None:
    row = {"user_id": "ada", "project": "x", "date": "2026-03-02", "hours": "1", "Status": "60"}
    skip = {"Status": ("60",)}
    results = process(row, {**row, "Status": "10"}, columns=columns, fields={}, skip=skip)
    assert [result.is_skipped for result in results] == [True, False]
    assert not results[1].reason
    (result,) = process({**row, "Stat": ""}, fields={}, only={"Status": ("60",)})
    assert "'Stat' is not one of our fields" in result.reason


def test_conditions_are_decided_before_the_row_is_parsed() -> None:
    total = {"Who": "Total", "Project": "", "Day": "", "Hours": "812"}
    (result,) = process(total, columns=tuple(total), skip={"Who": ("Total",)})
    assert result.is_skipped


def test_condition_on_an_array_rejects_the_row() -> None:
    (result,) = process({**ROW, "Tags": ["a"]}, skip={"Tags": ("a",)})
    assert result.reason == "Tags is an array: add .0 to name its first element"


@pytest.mark.parametrize("table", ["skip", "only"])
def test_condition_on_a_column_that_csv_lacks_is_reported(table: str) -> None:
    with pytest.raises(SourceError, match=r"no column 'Statu' \(did you mean Status\?\)"):
        entry({**ROW, "Status": ""}, **{table: {"Statu": ("60",)}})


@pytest.mark.parametrize(
    ("cell", "table", "project"),
    [
        ("Apollo", {"Apollo": "A-1"}, "A-1"),
        ("Hermes", {"Apollo": "A-1"}, "Hermes"),
        ("Hermes", {"Apollo": "A-1", "*": "rest"}, "rest"),
        ("Apollo", {"Apollo": 17}, "17"),
        ("n/a", {"n/a": ""}, "default"),
        ("", {"*": "rest"}, "default"),
        ("", {"": "none"}, "none"),
    ],
)
def test_value_map_translates_listed_values(cell: str, table: dict[str, Any], project: str) -> None:
    row = {**ROW, "Project": cell}
    sent = entry(row, values={"project": table}, defaults={"project": "default"})
    assert sent["project"] == project


def test_empty_wildcard_rejects_values_that_are_not_listed() -> None:
    assert reason(ROW, values={"project": {"Hermes": "H", "*": ""}}) == (
        "Project must be one of the values in [values.project], not 'Apollo'"
    )


def test_values_and_defaults_are_in_our_notation() -> None:
    row = {**ROW, "Hours": "full", "Day": "today"}
    sent = entry(
        row,
        unit="minutes",
        date_format="%d.%m.%Y",
        values={"hours": {"full": 8}, "date": {"today": "2026-03-02"}},
    )
    assert (sent["hours"], sent["date"]) == (8, "2026-03-02T00:00:00.000Z")
    assert entry({**ROW, "Hours": ""}, unit="minutes", defaults={"hours": 8})["hours"] == 8


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"defaults": {"hours": "x"}}, "[defaults] hours must be a duration"),
        ({"values": {"hours": {"full": "x"}}}, "[values.hours] 'full' must be a duration"),
        ({"values": {"hours": {"": "x"}}}, "[values.hours] '' must be a duration"),
    ],
)
def test_invalid_value_of_the_mapping_is_reported(mapping: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        entry(ROW, **mapping)
    assert words in str(refusal.value)


def test_extract_takes_the_first_group_before_the_value_map() -> None:
    row = {**ROW, "Project": "[AP-17] Apollo: x"}
    extract = {"project": r"\[([A-Z]+)-\d+\]"}
    assert entry(row, extract=extract)["project"] == "AP"
    assert entry(row, extract=extract, values={"project": {"AP": "Apollo"}})["project"] == "Apollo"


def test_cell_without_the_extracted_part_is_rejected() -> None:
    assert reason(ROW, extract={"project": r"\[(\w+)\]"}) == (
        r"Project does not match [extract] project = '\\[(\\w+)\\]': 'Apollo'"
    )


def test_empty_extracted_part_is_missing() -> None:
    extract = {"project": r"^(\d*)"}
    assert reason(ROW, extract=extract) == "Project is missing or empty"
    assert entry(ROW, extract=extract, defaults={"project": "none"})["project"] == "none"


def test_template_goes_through_extract_value_map_and_default_in_order() -> None:
    row = {**ROW, "First": "Ada", "Last": "Lund (042)"}
    fields = {**FIELDS, "user_id": "{First} {Last}"}
    mapping = {
        "fields": fields,
        "extract": {"user_id": r"\((\d*)\)"},
        "values": {"user_id": {"042": "040"}},
        "defaults": {"user_id": "000"},
    }
    assert entry(row, **mapping)["user_id"] == "040"
    assert entry({**row, "Last": "Lund ()"}, **mapping)["user_id"] == "000"


@pytest.mark.parametrize(
    ("user", "user_id"), [(7, "7"), (True, "true"), (1.5, "1.5"), ("", "nobody"), (None, "nobody")]
)
def test_json_values_become_strings(user: Any, user_id: str) -> None:
    (result,) = process({**ROW, "Who": user}, defaults={"user_id": "nobody"})
    assert json.loads(result.entry)["user_id"] == user_id


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ([1], "Who is an array: add .0 to name its first element"),
        ({"id": 1}, "Who is an object: add the name of a member (.id)"),
        (float("inf"), "Who must be a finite number"),
    ],
)
def test_json_value_that_is_not_a_string_is_rejected(user: Any, words: str) -> None:
    (result,) = process({**ROW, "Who": user})
    assert result.reason == words


def test_external_id_with_an_empty_part_is_rejected() -> None:
    mapping = {"external_id": "{Who} {Start}"}
    row = {**ROW, "Start": "9:00"}
    assert entry(row, **mapping)["external_id"] == "Ada 9:00"
    assert reason({**row, "Start": ""}, **mapping) == "{Who} {Start} has an empty part"


@pytest.mark.parametrize(
    ("row", "mapping", "words"),
    [
        ({}, {"fields": {**FIELDS, "user_type": "Kind"}}, "'Kind', which [fields] user_type"),
        ({}, {"fields": {**FIELDS, "user_type": "{Who} {kind.id}"}}, "'kind.id', which [fields]"),
        ({}, {"external_id": "ID"}, "'ID', which external_id names"),
        ({}, {"skip": {"Statu": ("60",)}}, "'Statu', which [skip] names"),
        ({}, {"only": {"Kind": ("x", "y")}}, "'Kind', which [only] names"),
        ({}, {"skip": {"Ended": ("",)}}, "'Ended', which [skip] names"),
    ],
)
def test_column_that_no_row_of_json_has_is_reported(
    row: dict[str, Any], mapping: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceError) as refusal:
        process({**ROW, **row}, ROW, **mapping)
    assert f"No row of the source has {words}" in str(refusal.value)


@pytest.mark.parametrize(
    ("row", "mapping"),
    [
        ({"Kind": None}, {"fields": {**FIELDS, "user_type": "Kind"}}),
        ({"kind": None}, {"fields": {**FIELDS, "user_type": "kind.id"}}),
        ({"kind": []}, {"fields": {**FIELDS, "user_type": "kind.0"}}),
        ({}, {"fields": {**FIELDS, "user_type": "Kind"}, "defaults": {"user_type": "x"}}),
        ({}, {"fields": {**FIELDS, "user_type": "K"}, "values": {"user_type": {"": "x"}}}),
        ({}, {"only": {"Deleted": ("", "false")}}),
        ({"Hours": ""}, {"skip": {"Hours": ("",)}}),
    ],
)
def test_column_that_may_be_missing_is_not_reported(
    row: dict[str, Any], mapping: dict[str, Any]
) -> None:
    process({**ROW, **row}, **mapping)


def test_source_without_rows_has_no_missing_columns() -> None:
    assert process() == []
