"""Pages of a list: --all follows them, and without it a line says that there are more."""

from pathlib import Path
from typing import Any

import pytest


def next_page(path: str) -> str:
    return f'</first>; rel="first", <{path}>; rel="next"'


def test_all_pages_are_one_array_as_one_page_would_be(run: Any, api: Any) -> None:
    rows = [{"id": 1, "a": ["x\n"]}, {}, 3]
    for number, row in enumerate(rows[:2]):
        api.respond(200, [row], Link=next_page(f"/p?cursor={number}"))
    api.respond(200, [rows[2]])
    api.respond(200, rows)
    every = run(f"{api.url}/p", "--all")
    assert (every.code, every.err) == (0, "")
    assert every.out == run(api.url).out
    assert [request.path for request in api.requests[:3]] == ["/p", "/p?cursor=0", "/p?cursor=1"]
    assert len({request.token for request in api.requests}) == 1


def test_empty_list_is_an_empty_array(run: Any, api: Any) -> None:
    assert run(api.url, "--all") == (0, "[]\n", "")


@pytest.mark.parametrize(
    ("headers", "line"),
    [
        (
            {"Link": next_page("/2"), "Content-Range": "items 0-1/133"},
            "2 of 133 rows; --all fetches all.",
        ),
        ({"Link": next_page("/2")}, "2 rows, and there are more; --all fetches all."),
        (
            {"Link": next_page("/2"), "Content-Range": "items 0-1/*"},
            "2 rows, and there are more; --all fetches all.",
        ),
        (
            {"Link": next_page("/2"), "Content-Range": "items 2-3/133"},
            "Rows 3 to 4 of 133; --all fetches all that follow.",
        ),
        (
            {"Content-Range": "items 0-1/133"},
            "2 of 133 rows; the response does not say where the next page is.",
        ),
        (
            {"Content-Range": "items 2-3/*"},
            "2 rows, and there are more; the response does not say where the next page is.",
        ),
        ({"Content-Range": "items 2-3/*", "Link": '</1>; rel="first"'}, ""),
        ({"Content-Range": "items 2-3/4", "Link": '</1>; rel="prev"'}, ""),
        ({"Content-Range": "items 0-1/2"}, ""),
        ({"Content-Range": "bytes 0-1/2"}, ""),
        ({"Content-Range": "bytes 0-1/133"}, ""),
        (
            {"Content-Range": "parts 0-1/133"},
            "2 of 133 rows; the response does not say where the next page is.",
        ),
        (
            {"X-Total-Count": "133"},
            "2 of 133 rows; the response does not say where the next page is.",
        ),
        ({"X-Total-Count": "2"}, ""),
        ({"X-Total-Count": "133", "Link": '</1>; rel="first"'}, ""),
        ({}, ""),
    ],
)
def test_line_says_that_there_are_more_rows(
    run: Any, api: Any, headers: dict[str, str], line: str
) -> None:
    api.respond(200, [1, 2], **headers)
    result = run(api.url)
    assert (result.code, result.json, result.err.rstrip()) == (0, [1, 2], line)


@pytest.mark.parametrize(
    ("headers", "code", "words"),
    [
        ({"Link": '<http://other.example/2>; rel="next"'}, 9, "only sent to"),
        ({"Link": next_page("/")}, 9, "pages repeat"),
        ({"Link": "<broken"}, 9, "Link cannot be followed"),
        ({"Link": next_page("http://[::1")}, 9, "Link cannot be followed"),
        ({"X-Total-Count": "2"}, 9, "incomplete: 1 of 2 rows"),
        ({"Content-Range": "items 0-0/2"}, 9, "incomplete: 1 of 2 rows"),
        ({"Content-Range": "items 0-0/*"}, 9, "incomplete: 1 rows, and there are more"),
    ],
)
def test_pages_that_cannot_be_followed_are_an_error(
    run: Any, api: Any, headers: dict[str, str], code: int, words: str
) -> None:
    api.respond(200, [1], **headers)
    result = run(f"{api.url}/", "--all")
    assert result.code == code
    assert words in result.err
    assert len(api.requests) == 1
    assert not result.out.endswith("]\n")


def test_pages_that_have_all_counted_rows_together_are_complete(run: Any, api: Any) -> None:
    api.respond(200, [1], Link=next_page("/2"), X_Total_Count="2")
    api.respond(200, [2], X_Total_Count="2")
    assert run(api.url, "--all").code == 0


@pytest.mark.parametrize("options", [["--all"], ["--csv"], ["--all", "--ndjson"]])
def test_rows_of_a_response_without_a_body_are_an_error(
    run: Any, api: Any, tmp_path: Path, options: list[str]
) -> None:
    api.respond(200, b"")
    result = run(api.url, *options, "--output", str(tmp_path / "rows"))
    assert result.code == 9
    assert "without a body" in result.err
    assert not (tmp_path / "rows").exists()


@pytest.mark.parametrize("query", ["_page=1&_limit=2", "_start=0&_end=2", "count=2", "range=[0,1]"])
def test_page_that_the_query_chooses_is_not_requested_as_a_stream(
    run: Any, api: Any, query: str
) -> None:
    api.respond(200, [{"a": 1}])
    assert run(f"{api.url}/p?{query}", "--csv").out == "a\r\n1\r\n"
    assert api.requests[0].headers["accept"] == "application/json"


def test_failing_later_page_is_an_error_and_the_array_is_not_closed(run: Any, api: Any) -> None:
    api.respond(200, [1], Link=next_page("/2"))
    api.respond(503, {"title": "Busy"}, "application/problem+json")
    result = run(api.url, "--all")
    assert (result.code, result.out) == (8, "[\n  1")


@pytest.mark.parametrize("body", [{"id": 1}, 5, None])
def test_all_of_something_that_is_not_a_list_is_an_error(run: Any, api: Any, body: Any) -> None:
    api.respond(200, body)
    result = run(api.url, "--all")
    assert (result.code, result.out) == (9, "")
    assert "not a list" in result.err
