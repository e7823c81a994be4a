"""Answers with members around the rows: each style of paging, files of one page, totals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import (
    Answer,
    PagedSource,
    SourceRequest,
    rows,
)

SEVEN = [f"E{number}" for number in range(1, 8)]
SIZE = 3
LAST = 3
Answering = Callable[[SourceRequest], Any]


def page_of(number: int) -> list[dict[str, Any]]:
    return rows(1, 7)[(number - 1) * SIZE : number * SIZE]


def by_url(request: SourceRequest) -> Any:
    """JSON:API: links.next."""
    number = int(request.query.get("page[number]", 1))
    following = f"/entries?page%5Bnumber%5D={number + 1}" if number < LAST else None
    return {"data": page_of(number), "links": {"next": following}}


def by_relative_link(request: SourceRequest) -> Any:
    """HAL: _links.nextByOffset.href, relative, before the rows, absent on the last page."""
    number = int(request.query.get("offset", 1))
    links: dict[str, Any] = {"self": {"href": "/entries"}}
    if number < LAST:
        links["nextByOffset"] = {"href": f"?offset={number + 1}"}
    return {"_links": links, "total": 7, "_embedded": {"elements": page_of(number)}}


def by_dotted_name(request: SourceRequest) -> Any:
    """OData: @odata.nextLink."""
    number = int(request.query.get("$skip", 0)) // SIZE + 1
    following = f"entries?$skip={number * SIZE}&b=1"
    more = {"@odata.nextLink": f"/{following}"} if number < LAST else {}
    return {"@odata.count": 7, "value": page_of(number), **more}


def by_token(request: SourceRequest) -> Any:
    """Google: nextPageToken."""
    number = int(request.query.get("pageToken", "t/1")[2:])
    following = f"t/{number + 1}" if number < LAST else ""
    return {"nextPageToken": following, "items": page_of(number)}


def by_cursor(request: SourceRequest) -> Any:
    """Notion: next_cursor, sent in the body of a POST."""
    number = int(request.json.get("start_cursor", 1))
    more = number < LAST
    cursor = str(number + 1) if more else None
    return {"results": page_of(number), "next_cursor": cursor, "has_more": more}


def by_page_number(request: SourceRequest) -> Any:
    """Laravel: page, meta.last_page, meta.total."""
    number = int(request.query["page"])
    return {"data": page_of(number), "meta": {"last_page": LAST, "total": 7}}


def by_offset(request: SourceRequest) -> Any:
    """Jira: startAt, maxResults, total."""
    start = int(request.query["startAt"])
    page = rows(1, 7)[start : start + SIZE]
    return {"startAt": start, "maxResults": SIZE, "total": 7, "worklogs": page}


STYLES: list[tuple[Answering, str]] = [
    (by_url, 'rows = "data"\nnext = "links.next"'),
    (by_relative_link, 'rows = "_embedded.elements"\nnext = "_links.nextByOffset.href"'),
    (by_dotted_name, 'rows = "value"\nnext = "@odata.nextLink"'),
    (by_token, 'rows = "items"\nnext = "nextPageToken"\nnext_parameter = "pageToken"'),
    (
        by_cursor,
        'rows = "results"\nnext = "next_cursor"\nnext_parameter = "start_cursor"\nbody = "{}"',
    ),
    (by_page_number, 'rows = "data"\npage_parameter = "page"'),
    (by_offset, 'rows = "worklogs"\noffset_parameter = "startAt"'),
]


@pytest.mark.parametrize(("answer", "mapping"), STYLES)
def test_all_pages_are_imported_in_each_style(
    imported: SourceImport, source: PagedSource, answer: Answering, mapping: str
) -> None:
    source.answer = lambda request: Answer(answer(request))
    result = imported(mapping, "--batch-size", "2")
    assert result.code == 0, result.err
    assert imported.ids == SEVEN


@pytest.mark.parametrize(("answer", "mapping"), STYLES)
def test_first_page_without_a_way_to_the_rest_exits_12(
    imported: SourceImport, source: PagedSource, answer: Answering, mapping: str
) -> None:
    source.answer = lambda request: Answer(answer(request))
    keys = [key for key in mapping.splitlines() if key.startswith(("rows", "body"))]
    path = "/entries?page=1&startAt=0"
    result = imported("\n".join(keys), path=path)
    assert result.code == 12
    assert "The source has more than " in result.err
    assert "Write in the mapping where the rest is" in result.err
    assert imported("\n".join([*keys, 'next = "none"']), path=path).code == 0
    assert imported.ids == SEVEN[:3]


@pytest.mark.parametrize(("answer", "mapping"), STYLES)
def test_file_of_the_first_page_exits_12(
    imported: SourceImport, tmp_path: Path, answer: Answering, mapping: str
) -> None:
    query = {"page": "1", "startAt": "0"}
    page = answer(SourceRequest("GET", "/entries", query, {}, b"{}"))
    (tmp_path / "page.json").write_text(json.dumps(page))
    mapping = "\n".join(key for key in mapping.splitlines() if not key.startswith("body"))
    result = imported(mapping, path=str(tmp_path / "page.json"))
    assert result.code == 12
    assert "The source has more than the 3 rows in it" in result.err


def test_rows_sent_before_the_source_turns_out_to_have_more_are_counted(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda _: Answer({"items": rows(1, 5), "total": 9})
    result = imported('rows = "items"', "--batch-size", "2")
    assert result.code == 12
    assert "more than the 5 rows that were read: total is 9." in result.err
    assert "Before that, 4 rows were imported, skipped or rejected." in result.err


def test_file_whose_total_is_reached_is_imported(imported: SourceImport, tmp_path: Path) -> None:
    links = {"nextByOffset": {"href": "/api/v3/time_entries?offset=2"}}
    page = {"total": 2, "_embedded": {"elements": rows(1, 2)}, "_links": links}
    (tmp_path / "page.json").write_text(json.dumps(page))
    mapping = 'rows = "_embedded.elements"\nnext = "_links.nextByOffset.href"'
    assert imported(mapping, path=str(tmp_path / "page.json")).code == 0
    assert imported.ids == ["E1", "E2"]
