"""Selectors: columns, paths and templates of CSV and JSON rows."""

from typing import Any

import pytest

from client.errors import SourceError
from client.importing.mapping.expressions import parse_expression
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import compile_selector

JSON = {
    "id": 7,
    "user": {"name": "Ada", "active": True, "age": None},
    "tags": ["Apollo", "dev"],
    "items": [{"name": "first"}],
    "a.b": "exact",
    "a": {"b": "path"},
    "{id}": "braces",
    "empty": "",
    "": "a member without a name",
}


def select(row: dict[str, Any], text: str, *, complete: bool = False) -> Any:
    return compile_selector(parse_expression(text), (), complete=complete)(row)


def select_csv(row: dict[str, str], text: str) -> Any:
    return compile_selector(parse_expression(text), tuple(row))(row)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("id", 7),
        ("user.name", "Ada"),
        ("user.active", True),
        ("user.age", None),
        ("user.age.years", None),
        ("user.missing", None),
        ("missing", None),
        ("missing.name", None),
        ("tags.0", "Apollo"),
        ("tags.2", None),
        ("items.0.name", "first"),
        ("a.b", "exact"),
        ("{id}", "braces"),
        ("{{id}}", "braces"),
        ("{user.name} {tags.1}", "Ada dev"),
        ("{id}: {user.active}", "7: true"),
    ],
)
def test_json_value_is_selected_by_name_path_or_template(text: str, value: Any) -> None:
    assert select(JSON, text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tags.name", "tags is an array: name one of its elements, such as tags.0.name"),
        ("user.name.first", "user.name.first leads nowhere: user.name is not an object, but 'Ada'"),
        ("{tags}", "tags is an array: add .0 to name its first element"),
        ("{user}", "user is an object: add the name of a member (.name, .active, .age)"),
    ],
)
def test_path_that_leads_nowhere_is_rejected_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(RowError) as refusal:
        select(JSON, text)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{id} {empty}", "7"),
        ("{empty} {id} - {missing} {id}", "7 - 7"),
        ("{empty} - {missing}", ""),
    ],
)
def test_template_with_empty_part_has_single_spaces_and_without_parts_is_empty(
    text: str, value: str
) -> None:
    assert select(JSON, text) == value


def test_complete_template_with_empty_part_is_empty() -> None:
    assert select(JSON, "{id} {empty}", complete=True) == ""
    assert select(JSON, "{id} {user.name}", complete=True) == "7 Ada"


def test_csv_column_with_exact_name_overrides_path_and_template() -> None:
    row = {"user.name": "Ada", "{Hours}": "8", "Hours": "9", "A": "x"}
    assert select_csv(row, "user.name") == "Ada"
    assert select_csv(row, "{Hours}") == "8"
    assert select_csv(row, "{{Hours}}") == "8"
    assert select_csv(row, "{Hours} {A}") == "9 x"


@pytest.mark.parametrize("text", ["Employe", "{Date} {Employe}"])
def test_csv_without_column_is_reported_with_suggestion(text: str) -> None:
    with pytest.raises(SourceError) as refusal:
        select_csv({"Date": "", "Employee": ""}, text)
    assert str(refusal.value) == (
        "The source has no column 'Employe' (did you mean Employee?). If the column names are in"
        " another line, write header = NUMBER in the mapping."
    )
