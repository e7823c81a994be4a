"""Pages and ``Content-Range``, in each case of Finale's documented behaviour (a4)."""

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.parts.conftest import MANY, create, listed


def fill(client: httpx.Client, count: int) -> list[str]:
    """Create parts named ``0``, ``1`` …; return their names."""
    return [create(client, name=str(number))["name"] for number in range(count)]


PAGES: list[tuple[str, str, str]] = [
    # Of seven rows: query, Content-Range, names.
    ("", "items 0-6/7", "0123456"),
    ("count=3", "items 0-2/7", "012"),
    ("count=7", "items 0-6/7", "0123456"),
    ("count=8", "items 0-6/7", "0123456"),
    ("count=1000", "items 0-6/7", "0123456"),
    ("offset=2", "items 2-6/7", "23456"),
    ("offset=2&count=2", "items 2-3/7", "23"),
    ("offset=0&page=0", "items 0-6/7", "0123456"),
    ("page=1&count=3", "items 3-5/7", "345"),
    ("page=2&count=3", "items 6-6/7", "6"),
    ("page=1&count=3&offset=1", "items 4-6/7", "456"),
    ("offset=6&count=1", "items 6-6/7", "6"),
    ("offset=7", "items */7", ""),
    ("offset=100", "items */7", ""),
    ("page=3&count=3", "items */7", ""),
    ("page=1", "items */7", ""),
    ("offset=1000000000000", "items */7", ""),
    ("count=0", "items 0-6/7", "0123456"),
    ("count=-1", "items 0-6/7", "0123456"),
    ("count=-5&page=1", "items */7", ""),
    ("count=5000", "items 0-6/7", "0123456"),
    ("count=99999999999999999999", "items 0-6/7", "0123456"),
    ("name=4", "items 0-0/1", "4"),
    ("name=zzz", "items 0-0/0", ""),
    ("q=zzz", "items 0-0/0", ""),
    ("name=4&offset=1", "items */1", ""),
    ("name=zzz&offset=5", "items 0-0/0", ""),
    ("count=2&name=1&name=2&name=3", "items 0-1/3", "12"),
]


def test_content_range_has_positions_and_total(parts: httpx.Client) -> None:
    fill(parts, 7)
    for query, content_range, names in PAGES:
        response = parts.get(f"/parts?{query}")
        shown = "".join(row["name"] for row in response.json())
        assert (response.status_code, response.headers["content-range"], shown) == (
            200,
            content_range,
            names,
        ), query
        head = parts.head(f"/parts?{query}")
        assert head.headers["content-range"] == content_range, query


@pytest.mark.parametrize("query", ["", "count=5", "name=a", "q=a", "sort=-name"])
def test_empty_list_has_range_0_0_of_0(parts: httpx.Client, query: str) -> None:
    response = parts.get(f"/parts?{query}")
    assert response.status_code == 200
    assert response.headers["content-range"] == "items 0-0/0"
    assert response.content == b"[]"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("count=2.5", "count must be an integer"),
        ("count=ten", "count must be an integer"),
        ("count=", "count must be an integer"),
        ("count=1e2", "count must be an integer"),
        ("count=%2B5", "count must be an integer"),
        ("count=5%20", "count must be an integer"),
        ("count=%D9%A1", "count must be an integer"),
        ("count=" + "9" * 31, "count must be an integer"),
        ("offset=x", "offset must be an integer"),
        ("offset=-1", "offset must be between 0 and 1000000000000"),
        ("offset=1.0", "offset must be an integer"),
        ("page=-1", "page must be between 0 and 1000000000000"),
        ("page=null", "page must be an integer"),
        ("page=[1]", "page must be an integer"),
        ("offset=1000000000001", "offset must be between 0 and 1000000000000"),
        ("count=3&count=2", "count must be given once"),
        ("count=3&count=3", "count must be given once"),
        ("offset=1&offset=1", "offset must be given once"),
        ("page=1&count=3&page=0", "page must be given once"),
        ("page=9223372036854775807", "page must be between 0 and 1000000000000"),
    ],
)
def test_invalid_page_is_rejected(parts: httpx.Client, query: str, message: str) -> None:
    body = assert_problem(parts.get(f"/parts?{query}"), 400, "invalid-query", message)
    assert body["errors"] == [{"field": message.split(maxsplit=1)[0], "message": message}]


def test_page_size_defaults_to_100_and_is_at_most_1000(many: httpx.Client) -> None:
    for query, content_range, rows in [
        ("", f"items 0-99/{MANY}", 100),
        ("count=0", f"items 0-99/{MANY}", 100),
        ("count=-1", f"items 0-99/{MANY}", 100),
        ("count=1000", f"items 0-999/{MANY}", 1000),
        ("count=1001", f"items 0-999/{MANY}", 1000),
        ("count=1200", f"items 0-999/{MANY}", 1000),
        ("count=1200&page=1", f"items 1000-1000/{MANY}", 1),
        ("page=10", f"items 1000-1000/{MANY}", 1),
        ("offset=950&page=1&count=50", f"items 1000-1000/{MANY}", 1),
    ]:
        response = many.get(f"/parts?{query}")
        assert (response.headers["content-range"], len(response.json())) == (
            content_range,
            rows,
        ), query


@pytest.mark.parametrize("sort", ["", "&sort=description", "&sort=-description,modelNumber"])
def test_pages_of_any_sort_contain_each_row_once(many: httpx.Client, sort: str) -> None:
    # The sorted column is null in every row.
    shown = [name for page in range(11) for name in listed(many, f"count=100&page={page}{sort}")]
    assert len(shown) == len(set(shown)) == MANY
    assert shown == sorted(shown)


def test_total_is_correct_after_each_write(parts: httpx.Client) -> None:
    def content_range() -> str:
        return parts.get("/parts?count=1").headers["content-range"]

    rows = []
    for number in range(1, 4):
        rows.append(create(parts))
        assert content_range() == f"items 0-0/{number}"
    for left in (2, 1):
        parts.delete(f"/parts/{rows.pop()['id']}")
        assert content_range() == f"items 0-0/{left}"


def test_next_links_lead_through_all_pages(parts: httpx.Client) -> None:
    names, found = fill(parts, 7), []
    path: str | None = "/parts?count=3&sort=-name"
    while path is not None:
        page = parts.get(path)
        found += [row["name"] for row in page.json()]
        path = page.links.get("next", {}).get("url")
    assert found == sorted(names, reverse=True)
    assert page.headers["content-range"] == "items 6-6/*"
    assert set(page.links) == {"prev", "first"}
