"""Filters and search: the rows that a query finds, on both databases."""

from urllib.parse import urlencode

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.parts.conftest import create, listed

ROWS = [
    # name, description
    ("null", "the word"),
    ("[1]", "looks like an array"),
    ('"quoted"', "in quotation marks"),
    ("123", "a number's text"),
    ("100%", "a percentage"),
    ("snake_case", "an underscore"),
    ("back\\slash", "a backslash"),
    ("Äpfel", "not ASCII"),
    ("", "no letters"),
    ("a&b=c+d", "URL's own letters"),
]
NAMES = [name for name, _ in ROWS]

FILTERS: list[tuple[list[tuple[str, str]], list[str]]] = [
    ([("name", "123")], ["123"]),
    ([("name", "0123")], []),
    ([("name", "")], [""]),
    ([("name", "SNAKE_CASE")], []),
    ([("name", "snake%")], []),
    ([("name", "snake-case")], []),
    ([("name", "a&b=c+d")], ["a&b=c+d"]),
    ([("name", "Äpfel")], ["Äpfel"]),
    ([("name", "123"), ("name", "100%")], ["123", "100%"]),
    ([("name", "123"), ("name", "123")], ["123"]),
    ([("name", '["123", "100%", "nobody"]')], ["123", "100%"]),
    ([("name", "[123]")], ["123"]),
    ([("name", '["123"]'), ("name", "")], ["123", ""]),
    ([("name", "[]")], []),
    ([("name", '["null"]')], ["null"]),
    ([("name", '"null"')], ["null"]),
    ([("name", '"[1]"')], ["[1]"]),
    ([("name", '["[1]"]')], ["[1]"]),
    ([("name", r'"\"quoted\""')], ['"quoted"']),
    ([("name", "123"), ("description", "a number's text")], ["123"]),
    ([("name", "123"), ("description", "a percentage")], []),
    ([("name", "x" * 300)], []),
    ([("modelNumber", "null"), ("name", "123")], ["123"]),
    ([("createdAt", "2001-01-01T00:00:00Z")], []),
]

SEARCHES: list[tuple[str, list[str]]] = [
    ("snake", ["snake_case"]),
    ("SNAKE", ["snake_case"]),
    ("%", ["100%"]),
    ("_", ["snake_case"]),
    ("e_c", ["snake_case"]),
    ("e%c", []),
    ("\\", ["back\\slash"]),
    ("\\_", []),
    ("'", ["123", "a&b=c+d"]),
    ('"', ['"quoted"']),
    ("underscore", ["snake_case"]),
    ("QUOTATION MARKS", ['"quoted"']),
    ("pfel", ["Äpfel"]),
    ("", NAMES),
    ("no such text anywhere", []),
]


@pytest.fixture
def rows(parts: httpx.Client) -> httpx.Client:
    """Return a client of a service with the rows above."""
    for name, description in ROWS:
        create(parts, name=name, description=description)
    return parts


def test_filter_finds_rows_with_equal_values(rows: httpx.Client) -> None:
    for pairs, names in FILTERS:
        assert listed(rows, urlencode(pairs)) == names, pairs


def test_search_finds_strings_in_any_column_ignoring_case(rows: httpx.Client) -> None:
    for text, names in SEARCHES:
        assert listed(rows, urlencode({"q": text})) == names, text


def test_search_filter_and_sort_combine(rows: httpx.Client) -> None:
    query = urlencode([("q", "a"), ("name", '["123","100%","snake_case"]'), ("sort", "-name")])
    assert listed(rows, query) == ["snake_case", "123", "100%"]


def test_row_must_match_every_search(rows: httpx.Client) -> None:
    assert listed(rows, "q=a&q=quot") == ['"quoted"']


def test_null_finds_null_but_its_string_does_not(parts: httpx.Client) -> None:
    create(parts, name="null", partNumber="the text")
    create(parts, name=None, partNumber="nothing")
    create(parts, name="a", partNumber="a")
    for query, found in [
        ("name=null", ["nothing"]),
        ("name=[null]", ["nothing"]),
        ('name=["null"]', ["the text"]),
        ('name=["a",null]', ["nothing", "a"]),
        ("name=a&name=null", ["nothing", "a"]),
        ("name=null&name=null", ["nothing"]),
        ("id=null", []),
        ("createdAt=null", []),
    ]:
        assert listed(parts, query, "partNumber") == found, query


def test_ids_are_found_by_integer_and_dates_by_timestamp(parts: httpx.Client) -> None:
    first, second = create(parts, name="first"), create(parts, name="second")
    timestamp = first["createdAt"]
    with_offset = timestamp.replace("Z", "+00:00").replace("+", "%2B")
    both = ["first", "second"] if second["createdAt"] == timestamp else ["first"]
    for query, names in [
        (f"id={first['id']}", ["first"]),
        (f"id=[{first['id']},{second['id']}]", ["first", "second"]),
        (f"id={first['id']}&id={second['id']}", ["first", "second"]),
        (f"id={first['id']}.0", None),
        (f"id=[{first['id']}.0]", ["first"]),
        (f"createdAt={timestamp}", both),
        (f"createdAt={with_offset}", both),
        (f"createdAt={timestamp}&name=first", ["first"]),
        (f'createdAt=["{timestamp}"]', both),
    ]:
        if names is None:
            assert_problem(parts.get(f"/parts?{query}"), 400, "invalid-query")
        else:
            assert listed(parts, query) == names, query


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("id=one", "id must be an integer"),
        ("id=", "id must be an integer"),
        ("id=1.5", "id must be an integer"),
        ("id=true", "id must be an integer"),
        ('id={"$gt":1}', "id must be an integer"),
        ('id=[1,"2"]', "id must be an integer"),
        ("createdAt=yesterday", "createdAt must be an ISO 8601 date-time"),
        ("createdAt=2018-02-30", "createdAt must be an ISO 8601 date-time"),
        ("name=[{}]", "name cannot be an array or an object"),
        ("name=[[1]]", "name cannot be an array or an object"),
        ("name=[true]", "name must be a string"),
        ("name=a%00b", "name must not contain a NUL character"),
        ("q=a%00b", "q must not contain a NUL character"),
        ("name=%22%5Cud800%22", "name must be valid Unicode, without lone surrogates"),
        ("id=[" + ",".join(["1"] * 501) + "]", "id may have at most 500 values"),
    ],
)
def test_invalid_filter_value_is_rejected_with_its_name(
    parts: httpx.Client, query: str, message: str
) -> None:
    body = assert_problem(parts.get(f"/parts?{query}"), 400, "invalid-query")
    assert body["message"].startswith(message)
    assert body["errors"] == [{"field": message.split(maxsplit=1)[0], "message": body["message"]}]


def test_id_beyond_32_bits_finds_nothing_or_is_rejected(parts: httpx.Client) -> None:
    # SQLite's ids have 64 bits, PostgreSQL's 32.
    response = parts.get("/parts?id=2147483648")
    if response.status_code != 200:
        assert_problem(response, 400, "invalid-query")
    else:
        assert response.json() == []


def test_500_values_of_a_filter_are_accepted(parts: httpx.Client) -> None:
    row = create(parts, name="found")
    ids = ",".join(str(row["id"] + number) for number in range(500))
    assert listed(parts, f"id=[{ids}]") == ["found"]
