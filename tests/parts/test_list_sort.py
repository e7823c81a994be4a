"""The order of lists: the requested sort, then the primary key; nulls at one end."""

from urllib.parse import quote

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.parts.conftest import create, listed

ROWS = [
    # partNumber (identifies the row), name, modelNumber
    ("1", "b", "x"),
    ("2", "a", "y"),
    ("3", None, "x"),
    ("4", "b", None),
    ("5", "a", "x"),
    ("6", None, None),
]

ORDERS = [
    ("", "123456"),
    ("sort=id", "123456"),
    ("sort=-id", "654321"),
    ("sort=name", "362514"),
    ("sort=-name", "142536"),
    ("sort=name,-id", "635241"),
    ("sort=-name,-id", "415263"),
    ("sort=name,modelNumber", "635241"),
    ("sort=modelNumber,name", "643512"),
    ("sort=-modelNumber,name", "235164"),
    ("sort=name&sort=-id", "635241"),
    ("sort=name,name", "362514"),
    ("sort=name,-name", "362514"),
    ("sort=-partNumber&count=2", "65"),
    ("sort=-partNumber&count=2&page=1", "43"),
    ("sort=createdAt,id", "123456"),
    ("sort=-updatedAt,-id", "654321"),
    ("sort=name&name=a&name=null", "3625"),
]


def test_list_is_sorted_by_fields_then_id_with_nulls_first(parts: httpx.Client) -> None:
    for number, name, model in ROWS:
        create(parts, partNumber=number, name=name, modelNumber=model)
    for query, expected in ORDERS:
        assert "".join(listed(parts, query, "partNumber")) == expected, query


def test_strings_are_sorted_equally_on_both_databases(parts: httpx.Client) -> None:
    names = ["b", "B", "a", "A", "ä", "10", "9", "_", " ", "", "a b", "ab", "Z", "é", "😀", "中"]
    for name in names:
        create(parts, name=name)
    assert listed(parts, "sort=name") == sorted(names)
    assert listed(parts, "sort=-name") == sorted(names, reverse=True)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", [""]),
        ("-", [""]),
        (" name", [" name"]),
        ("name,", [""]),
        ("name,zzz,-yyy,id", ["zzz", "yyy"]),
        ("--name", ["-name"]),
        ("Name", ["Name"]),
        ("name desc", ["name desc"]),
        ("part_number", ["part_number"]),
        ("name;drop table parts", ["name;drop table parts"]),
        ("x" * 200, ["x" * 100]),
    ],
)
def test_sort_not_allowed_is_rejected_with_finales_message(
    parts: httpx.Client, sort: str, names: list[str]
) -> None:
    response = parts.get(f"/parts?sort={quote(sort)}")
    body = assert_problem(response, 400, "bad-request", "Sorting not allowed on given attributes")
    assert body["errors"] == names


def test_leading_plus_is_a_space(parts: httpx.Client) -> None:
    body = assert_problem(parts.get("/parts?sort=+age"), 400, "bad-request")
    assert body["errors"] == [" age"]


def test_update_keeps_the_order(parts: httpx.Client) -> None:
    # PostgreSQL moves a row that is updated to the end of the table.
    rows = [create(parts, name=str(number)) for number in range(5)]
    for row in (rows[0], rows[2]):
        parts.put(f"/parts/{row['id']}", json={"description": "changed"})
    assert listed(parts) == list("01234")
