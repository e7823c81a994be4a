"""Rows in JSON: paths, members around the rows, and answers whose rows cannot be found."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import SourceError
from client.importing.reading import spooled_chunks
from tests.client.importing.reading.conftest import Read

ROWS = [{"who": "ada", "hours": 1}, {"who": "bob", "hours": 2}]


@pytest.mark.parametrize(
    ("rows", "document"),
    [
        ("data", {"data": ROWS}),
        ("data.items", {"data": {"items": ROWS}}),
        ("data", {"data": [ROWS[:1], ROWS[1:]]}),
        ("*", {"a": ROWS[:1], "total": 2, "b": ROWS[1]}),
        ("users.*.entries", {"users": {"a": {"entries": ROWS[:1]}, "b": {"entries": ROWS[1:]}}}),
        ("issues.worklogs", {"issues": [{"worklogs": ROWS[:1]}, {}, {"worklogs": ROWS[1:]}]}),
        ("entry", [{"entry": ROWS[0]}, {"entry": ROWS[1]}, {"entry": None}, 5]),
        ("odata.value", {"odata.value": ROWS}),
        ("data", {"data": ROWS, "links": {"data": [{"who": "eve"}]}}),
    ],
)
@pytest.mark.parametrize("file_format", ["json", "ndjson"])
def test_rows_are_found_where_path_leads(
    read: Read, rows: str, document: Any, file_format: str
) -> None:
    result = read(json.dumps(document), file_format, rows=rows)
    assert result.rows == ROWS
    assert result.errors == []


@pytest.mark.parametrize(
    ("rows", "document", "words"),
    [
        ("", {"data": ROWS, "total": 2}, 'probably rows = "data"'),
        ("", {"data": {"items": ROWS}}, 'probably rows = "data.items"'),
        ("", {"data": [], "total": 0}, 'probably rows = "data"'),
        ("", {"error": "x", "message": "no"}, "it has 'error', 'message'"),
        ("", {"pad": "x" * 1_100_000, "data": ROWS * 10_000}, 'probably rows = "data"'),
        ("items", {"data": ROWS, "total": 2}, 'probably rows = "data"'),
        ("items", {"data": {"list": ROWS * 10_000}, "total": 2}, 'probably rows = "data.list"'),
        ("data.items", {"data": None, "errors": ["x"]}, 'rows = "data.items" leads to nothing'),
        ("data", {"data": "none"}, "leads to nothing"),
        ("data", {"data": None}, "leads to nothing"),
        ("entry", [{"row": {}}], "leads to nothing"),
        ("entry", 5, "leads to nothing"),
    ],
)
def test_answer_without_rows_is_refused_with_a_hint(
    read: Read, rows: str, document: Any, words: str
) -> None:
    result = read(json.dumps(document), "json", rows=rows)
    assert isinstance(result.error, SourceError)
    assert words in str(result.error)
    assert result.records == []


@pytest.mark.parametrize(
    ("rows", "document"),
    [
        ("data", {"data": []}),
        ("users.*.entries", {"users": {}}),
        ("issues.worklogs", {"issues": []}),
        ("", []),
    ],
)
def test_empty_array_has_no_rows(read: Read, rows: str, document: Any) -> None:
    assert read(json.dumps(document), "json", rows=rows).rows == []


def test_object_with_mapped_members_is_the_only_row(read: Read) -> None:
    assert read(json.dumps({**ROWS[0], "tags": ["a"]}), "json").rows == [{**ROWS[0], "tags": ["a"]}]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("count", [2, 4000])
def test_row_has_mapped_members_around_it(read: Read, *, before: bool, count: int) -> None:
    rows = [{"hours": n, "note": "x" * 300} for n in range(count)]
    rows[0]["who"] = "own"
    around = {"who": "ada", "project": {"name": "p"}, "unused": [1]}
    group = {**around, "list": rows} if before else {"list": rows, **around}
    document = {"groups": [group, {"list": [{"hours": 1}]}], "who": "outermost", "day": "d"}
    result = read(json.dumps(document), "json", rows="groups.list")
    shared = {"project": {"name": "p"}, "day": "d"}
    assert result.rows[0] == {**rows[0], **shared}
    assert result.rows[1:-1] == [{**row, **shared, "who": "ada"} for row in rows[1:]]
    assert result.rows[-1] == {"hours": 1, "who": "outermost", "day": "d"}
    assert json.loads(str(result.records[1].raw)) == result.rows[1]


def test_own_null_overrides_member_around_the_row(read: Read) -> None:
    document = {"who": "ada", "data": [{"who": None}]}
    assert read(json.dumps(document), "json", rows="data").rows == [{"who": None}]


def test_envelope_has_small_members_around_the_rows(read: Read) -> None:
    inner = {"rows": ROWS, "next": "/2", "long": ["x" * 1000] * 100}
    document = {"total": 9, "data": inner, "links": {"next": None}, "also": [1]}
    result = read(json.dumps(document), "json", rows="data.rows")
    assert result.rows == ROWS
    assert result.source.envelope == {
        "total": 9,
        "data": {"next": "/2"},
        "links": {"next": None},
        "also": [1],
    }


@pytest.mark.parametrize(
    ("document", "valid", "words"),
    [
        ('{"data": [{"who": 1}, {"who": 2}', 2, "a comma or ] is missing: the source ends there"),
        ('{"data": [{"who": 1}, {"wh', 1, "row 2 is not JSON: Unterminated string"),
        ('{"data": [{"who": 1}]', 1, "a comma or } is missing: the source ends there"),
        ('{"data": [{"who": 1}], "a": NaN}', 1, "the value of 'a' is not JSON: NaN is not JSON"),
        ('{"data": [{"who": 1}], "data": []}', 1, "the member 'data' is there more than once"),
        ('{"data": [{"who": 1}], "a": {"b": 1, "b": 2}}', 1, "'a' has the member 'b' more than"),
        ('{"data": [{"who": 1}], "a" 1}', 1, "a colon after 'a' is missing"),
        ('{"data": [{"who": 1}], a: 1}', 1, "the name of a member is missing"),
        ('{"data": [{"who": 1}]} {}', 1, "unexpected data after the end"),
        ('{"data": [{"who": 1}], "a": ' + "1" * 1_200_000, 1, "of 'a' is not JSON, or longer"),
        ('{"data": [{"who": 1}], "a": "' + "x" * 90_000, 1, "a string is not closed: the source"),
        ('{"data": [{"who": 1}], "a": [[1], ' + "[" * 100_000, 1, "nested too deeply"),
        ('{"data": ' + "[" * 100_000, 0, "nested too deeply"),
        ("", 0, "it is empty"),
    ],
)
def test_rows_before_invalid_text_are_read(
    read: Read, document: str, valid: int, words: str
) -> None:
    result = read(document, "json", rows="data", fields={"user_id": "who"})
    assert len(result.records) == valid
    assert isinstance(result.error, SourceError)
    assert words in str(result.error)


def test_lines_of_ndjson_read_as_json_are_refused(read: Read) -> None:
    result = read('{"who": 1}\n{"who": 2}\n', "json")
    assert 'If each is a line, it is NDJSON: write format = "ndjson"' in str(result.error)
    assert result.records == []


def test_long_members_around_the_rows_are_passed(read: Read) -> None:
    long = {
        "text": '\\"' * 40_000,
        "list": [{"a": ["\\"] * 20_000}],
        "object": {"x": [1] * 25_000},
    }
    document = {**long, "data": ROWS, "more": long}
    result = read(json.dumps(document), "json", rows="data")
    assert result.rows == ROWS
    assert result.source.envelope == {}


def test_nested_duplicate_member_rejects_the_row(read: Read) -> None:
    for file_format in ("json", "ndjson"):
        result = read('{"who": "a", "x": {"y": 1, "y": 2}}', file_format)
        assert result.errors == [(1, "has the member 'y' more than once")]


def test_line_of_ndjson_without_row_is_skipped(read: Read) -> None:
    lines = ['{"type": "SCHEMA"}', '{"type": "RECORD", "record": {"who": "ada"}}', "[1", "{}"]
    result = read("\n".join(lines), "ndjson", rows="record", only={"type": ["RECORD"]})
    assert [record.skipped for record in result.records] == [True, False, False, True]
    assert result.rows == [{"who": "ada", "type": "RECORD"}]
    assert [line for line, _ in result.errors] == [3]


def test_ndjson_without_any_row_is_refused(read: Read) -> None:
    result = read('{"data": [{"who": "ada"}]}\n{}\n', "ndjson", rows="recrod")
    assert 'probably rows = "data"' in str(result.error)


@pytest.mark.parametrize("file_format", ["json", "ndjson"])
def test_rejected_rows_are_read_without_the_path(read: Read, file_format: str) -> None:
    lines = ['{"line": 1, "reason": "r", "who": "ada"}', '{"line": 7, "reason": "s", "who": "b"}']
    result = read("\n".join(lines), file_format, rows="data.items")
    assert result.rows == [{"who": "ada"}, {"who": "b"}]


_NAMES = st.sampled_from(["who", "project", "a", "b", "rows"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(-9, 9)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=25,
)
_PATHS = st.lists(st.sampled_from(["a", "b", "rows", "*"]), min_size=1, max_size=3)


def _naive_rows(value: Any, path: list[str], outer: dict[str, Any]) -> list[Any]:
    """Return the rows of a document that is in memory."""
    if isinstance(value, list):
        return [row for element in value for row in _naive_rows(element, path, outer)]
    if not path:
        if not isinstance(value, dict):
            return ["error"]
        return [{**{n: m for n, m in outer.items() if n in ("who", "project")}, **value}]
    if not isinstance(value, dict):
        return []
    on_path = {
        name: member
        for name, member in value.items()
        if path[0] in ("*", name) and isinstance(member, list | dict)
    }
    around = outer | {name: member for name, member in value.items() if name not in on_path}
    return [row for member in on_path.values() for row in _naive_rows(member, path[1:], around)]


@given(document=_TREES, path=_PATHS, chunk=st.integers(1, 9), indent=st.none() | st.just(1))
def test_rows_are_those_of_the_whole_document(
    read: Read, document: Any, path: list[str], chunk: int, indent: int | None
) -> None:
    expected = _naive_rows(document, path, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled_chunks, "_CHUNK", chunk)
        result = read(
            json.dumps(document, indent=indent, ensure_ascii=False),
            "json",
            rows=".".join(path),
            fields={"user_id": "who", "project": "project"},
        )
    found = ["error" if record.error else record.values for record in result.records]
    assert found == expected
    assert result.error is None or not expected
