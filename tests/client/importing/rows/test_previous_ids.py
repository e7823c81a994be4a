"""Previous ids are those that earlier versions derived, and raw keys survive a better mapping."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record
from client.importing.rows.row_results import RowProcessor

FIELDS = {"user_id": "Who", "project": "Project", "date": "Day", "hours": "Hours"}
ROW = {"Who": "Ada", "Project": "Apollo", "Day": "2026-03-02", "Hours": "1.50"}


def entries(
    *rows: dict[str, Any], columns: Sequence[str] | None = None, **mapping: Any
) -> list[dict[str, Any]]:
    """Return the entries of rows of CSV, or of JSON if there are no columns."""
    columns = tuple(rows[0]) if columns is None else columns
    processor = RowProcessor(
        FieldMapping(**{"fields": FIELDS, **mapping}), "tracker", None, columns
    )
    results = [processor.process(Record(line, row, "")) for line, row in enumerate(rows, 1)]
    assert not any(result.reason for result in results)
    return [json.loads(result.entry) for result in results]


def ids(*rows: dict[str, Any], **mapping: Any) -> list[str]:
    return [entry["external_id"] for entry in entries(*rows, **mapping)]


def previous(*rows: dict[str, Any], **mapping: Any) -> list[str]:
    return [entry.get("previous_external_id", "") for entry in entries(*rows, **mapping)]


@pytest.mark.parametrize(
    ("row", "mapping", "digest"),
    [
        ({}, {}, "20bb0f87eddf"),
        ({"Kind": "FTE"}, {"fields": {**FIELDS, "user_type": "Kind"}}, "74aa758cad53"),
        ({"Hours": "15"}, {"unit": "minutes"}, "a0c030acbf37"),
        ({"Hours": "7,5"}, {"decimal_comma": True}, "8cfa7d5c5d4f"),
        (
            {"Day": "02.03.2026 09:00"},
            {"date_format": ("%d.%m.%Y %H:%M", ""), "time_zone": "Europe/Berlin"},
            "7084e71d38ca",
        ),
        ({"Who": ""}, {"defaults": {"user_id": "040", "user_type": "Employee"}}, "222066810fa0"),
        ({"System": "s"}, {"fields": {**FIELDS, "source": "System"}}, "73a291970817"),
        ({}, {"values": {"user_id": {"Ada": "040"}}}, "20bb0f87eddf"),
        ({"Kind": "x"}, {"fields": {**FIELDS, "user_type": "{Kind}"}}, "20bb0f87eddf"),
    ],
)
def test_previous_id_is_the_one_that_version_0_13_derived(
    row: dict[str, Any], mapping: dict[str, Any], digest: str
) -> None:
    row = {**ROW, **row}
    for columns in (tuple(row), ()):
        (found,) = [
            entry["previous_external_id"] for entry in entries(row, columns=columns, **mapping)
        ]
        assert found.startswith(digest)


def test_previous_ids_of_equal_rows_count_them() -> None:
    first, second = previous(ROW, ROW)
    assert (first[:12], second[:12]) == ("20bb0f87eddf", "65099f4a183a")


def test_previous_id_of_a_row_in_our_names() -> None:
    row = {"user_id": 7, "project": "Apollo", "year": 2026, "week": "10", "hours": 8.0}
    (found,) = previous(row, columns=(), fields={})
    assert found.startswith("2f3dce53446a")


@pytest.mark.parametrize(
    ("row", "mapping"),
    [
        ({"Hours": "1:30"}, {}),
        ({"ID": "7"}, {"external_id": "ID"}),
        ({}, {"fields": {**FIELDS, "user_id": "{Who} x"}}),
        ({}, {"header": 2}),
        (
            {"Start": "2026-03-02T08:00", "End": "2026-03-02T09:00"},
            {"fields": {"user_id": "Who", "project": "Project", "date": "Start", "end": "End"}},
        ),
    ],
)
def test_row_that_could_not_be_imported_earlier_has_no_previous_id(
    row: dict[str, Any], mapping: dict[str, Any]
) -> None:
    assert previous({**ROW, **row}, **mapping) == [""]


def test_path_had_no_meaning_earlier() -> None:
    fields = {**FIELDS, "project": "project.name"}
    (entry,) = entries({**ROW, "project": {"name": "x"}}, columns=(), fields=fields)
    assert "previous_external_id" not in entry


@pytest.mark.parametrize(
    "better",
    [
        {"time_zone": "Europe/Berlin"},
        {"time_zone": "Asia/Tokyo", "unit": "minutes"},
        {"values": {"user_id": {"Ada": "040"}, "project": {"*": "x"}}},
        {"extract": {"project": "(.)"}},
        {"fields": {**FIELDS, "user_type": "Kind"}},
        {"skip": {"Kind": ("y",)}},
        {"defaults": {"user_type": "Employee", "project": "x"}},
    ],
)
def test_better_mapping_keeps_derived_ids(better: dict[str, Any]) -> None:
    row = {**ROW, "Day": "2026-03-02T09:00", "Kind": "x"}
    assert ids(row, row, **better) == ids(row, row)


@pytest.mark.parametrize("column", ["Who", "Project", "Day", "Hours"])
def test_other_cell_has_another_derived_id(column: str) -> None:
    other = {"Day": "2026-03-03", "Hours": "2"}.get(column, "x")
    assert ids(ROW) != ids({**ROW, column: other})


def test_other_column_keeps_the_derived_id_but_is_counted() -> None:
    assert ids({**ROW, "Note": "a"}) == ids({**ROW, "Note": "b"})
    first, second = ids({**ROW, "Note": "a"}, {**ROW, "Note": "b"})
    assert first != second


def test_cells_of_a_template_are_hashed_apart() -> None:
    fields = {**FIELDS, "user_id": "{First}{Last}"}
    first = {**ROW, "First": "ab", "Last": "c"}
    second = {**ROW, "First": "a", "Last": "bc"}
    assert ids(first, fields=fields) != ids(second, fields=fields)


def test_exports_that_name_nobody_have_different_ids_by_their_default() -> None:
    fields = {name: text for name, text in FIELDS.items() if name != "user_id"}
    ada = ids(ROW, fields=fields, defaults={"user_id": "ada"})
    assert ada != ids(ROW, fields=fields, defaults={"user_id": "bob"})
    assert ada == ids(ROW, fields=fields, defaults={"user_id": "ada"}, unit="minutes")


def test_empty_cells_of_two_exports_have_different_ids_by_their_default() -> None:
    row = {**ROW, "Who": ""}
    assert ids(row, defaults={"user_id": "ada"}) != ids(row, defaults={"user_id": "bob"})


def test_weeks_have_different_ids() -> None:
    fields = {"user_id": "Who", "project": "Project", "hours": "Hours", "year": "Y", "week": "W"}
    first, second = {**ROW, "Y": "2026", "W": "9"}, {**ROW, "Y": "2026", "W": "10"}
    assert ids(first, fields=fields) != ids(second, fields=fields)


def test_end_is_part_of_the_derived_id() -> None:
    fields = {"user_id": "Who", "project": "Project", "date": "Start", "end": "End"}
    row = {**ROW, "Start": "2026-03-02T08:00", "End": "2026-03-02T09:00"}
    assert ids(row, fields=fields) != ids({**row, "End": "2026-03-02T10:00"}, fields=fields)
