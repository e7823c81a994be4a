"""Formats: tables, CSV and NDJSON, of streams and converted from JSON."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.output.colour import paint_json, wants_colour
from client.output.csv_rows import CsvWriter
from client.output.destination import TerminalText
from client.output.json_text import JsonWriter
from client.output.table import TableWriter

ROWS = [
    {"id": 1, "name": "a,b", "author": {"name": "Ursula", "n": 1.5}, "tags": ["x"], "note": None},
    {"id": -2, "name": "", "author": None, "tags": [], "note": '=1+"1"'},
]


class Written:
    """A destination in memory."""

    def __init__(self, *, is_terminal: bool = False, encoding: str = "utf-8") -> None:
        self.is_terminal = is_terminal
        self.encoding = encoding
        self.may_have_colour = True
        self.has_written = False
        self.content = b""

    def write(self, content: str | bytes) -> None:
        self.content += content.encode(self.encoding) if isinstance(content, str) else content

    def commit(self) -> None:
        return

    def discard(self) -> None:
        return

    @property
    def text(self) -> str:
        return self.content.decode(self.encoding)


def test_csv_is_in_the_notation_of_the_api() -> None:
    written = Written()
    writer = CsvWriter(written)
    writer.write_rows(ROWS)
    writer.end_rows()
    assert written.text == (
        "id,name,author.name,author.n,tags,note\r\n"
        '1,"a,b",Ursula,1.5,"[""x""]",\r\n'
        '-2,"",,,[],"\'=1+""1"""\r\n'
    )


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
def test_csv_is_read_back_by_the_standard_library(values: list[list[str]]) -> None:
    written = Written()
    CsvWriter(written).write_rows([dict(zip("ab", row, strict=True)) for row in values])
    encodable = [[v.encode("utf-8", "replace").decode() for v in row] for row in values]
    read = list(csv.reader(io.StringIO(written.text, newline=""), strict=True))[1:]
    plain = [[v.lstrip("'") for v in row] for row in read]
    assert plain == [[v.lstrip("'") for v in row] for row in encodable]


def test_page_is_converted_and_the_rest_is_mentioned(run: Any, api: Any) -> None:
    api.respond(200, [{"id": 1}], Link='</2>; rel="next"', Content_Range="items 0-0/9")
    result = run(f"{api.url}/parts?count=1", "--csv")
    assert (result.code, result.out) == (0, "id\r\n1\r\n")
    assert result.err == "1 of 9 rows; --all fetches all.\n"
    assert api.requests[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("option", "media_type"), [("--csv", "text/csv"), ("--ndjson", "application/x-ndjson")]
)
@pytest.mark.parametrize("pages", [[], ["--all"]])
def test_stream_is_requested_and_written_as_it_is(
    run: Any, api: Any, option: str, media_type: str, pages: list[str]
) -> None:
    api.respond(200, b'a\r\n"x"\r\n', f"{media_type}; charset=utf-8")
    result = run(api.url, option, *pages)
    assert (result.code, result.out, result.err) == (0, 'a\r\n"x"\r\n', "")
    assert api.requests[0].headers["accept"] == f"{media_type}, application/json;q=0.5"


def test_ndjson_is_a_line_for_each_row_of_all_pages(run: Any, api: Any) -> None:
    api.respond(200, [{"a": "Pão\n"}, 1.50], Link='</2>; rel="next"')
    api.respond(200, [])
    result = run(api.url, "--ndjson", "--all")
    assert result.out == '{"a":"Pão\\n"}\n1.5\n'


@pytest.mark.parametrize(
    ("option", "body", "words"),
    [
        ("--csv", {"id": 1}, "one object"),
        ("--csv", [1], "not an object"),
        ("--csv", 5, "not a list"),
        ("--table", 5, "neither an object nor a list"),
        ("--table", [[1]], "not an object"),
    ],
)
def test_response_without_rows_is_refused(
    run: Any, api: Any, option: str, body: Any, words: str
) -> None:
    api.respond(200, body)
    result = run(api.url, option)
    assert (result.code, result.out) == (9, "")
    assert words in result.err


@pytest.mark.parametrize("option", ["--csv", "--table", "--ndjson", "--all"])
def test_response_that_is_not_json_is_refused_by_options_for_rows(
    run: Any, api: Any, option: str
) -> None:
    api.respond(200, b"<html>", "text/html")
    result = run(api.url, option)
    assert (result.code, result.out) == (9, "")
    assert "not JSON (text/html)" in result.err


@pytest.mark.parametrize("option", [(), ("--ndjson",), ("--csv",), ("--table",)])
@pytest.mark.parametrize("number", ["1e400", "-1e400"])
def test_number_beyond_the_range_is_no_infinity(
    run: Any, api: Any, option: tuple[str, ...], number: str
) -> None:
    api.respond(200, f'[{{"a": {number}}}]'.encode())
    result = run(api.url, *option)
    assert (result.code, result.out) == (9, "")


def test_ndjson_keeps_what_utf_8_has_not(run: Any, api: Any) -> None:
    rows = [{"a": "\ud800"}, {"a": "\u00e9"}]
    api.respond(200, rows)
    lines = run(api.url, "--ndjson").out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert lines[1] == '{"a":"\u00e9"}'


def test_column_that_appears_on_a_later_page_is_an_error(run: Any, api: Any) -> None:
    api.respond(200, [{"a": 1}], Link='</2>; rel="next"')
    api.respond(200, [{"a": 1, "b": 2}])
    result = run(api.url, "--csv", "--all")
    assert result.code == 9
    assert "'b'" in result.err


def test_table_aligns_wide_characters_and_hides_controls() -> None:
    written = Written()
    writer = TableWriter(written, colour=False)
    writer.write_rows([{"name": "日本", "n": 5, "t": "\x1b[31m[red]x"}, {"n": 10, "b": True}])
    writer.end_rows()
    assert written.text.splitlines() == [
        "name  n   t            b",
        "日本   5  ?[31m[red]x",
        "      10               true",
    ]


def test_table_of_one_object_lists_its_members(run: Any, api: Any) -> None:
    api.respond(200, {"id": 7, "tags": ["a"]})
    assert run(api.url, "--table").out == 'name  value\nid        7\ntags  ["a"]\n'


def test_table_without_rows_says_so(run: Any, api: Any) -> None:
    assert run(api.url, "--table").out == "(no rows)\n"


def test_table_escapes_what_the_output_cannot_encode() -> None:
    written = Written(encoding="ascii")
    writer = TableWriter(written, colour=False)
    writer.write_value({"ä": "é"})
    assert written.text == "name  value\n\\xe4     \\xe9\n"


@pytest.mark.parametrize(
    ("variables", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_follows_terminal_and_variables(
    variables: dict[str, str], *, is_terminal: bool, expected: bool
) -> None:
    assert wants_colour(variables, is_terminal=is_terminal) is expected


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_coloured_json_without_colours_is_the_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    painted = paint_json(text)
    for code in ("0", "1;34", "32", "36", "35"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == text


def test_characters_split_between_chunks_are_decoded() -> None:
    text = TerminalText()
    assert text.decode("é".encode()[:1]) + text.decode("é".encode()[1:] + b"\r\n") == "é\n"


def test_controls_are_escaped_on_a_terminal_only() -> None:
    terminal, pipe = Written(is_terminal=True), Written()
    for written in (terminal, pipe):
        JsonWriter(written, colour=False).write_value({"a": "\x9b31m\x7f\u202e"})
    assert json.loads(terminal.text) == json.loads(pipe.text)
    assert terminal.text.isascii()
