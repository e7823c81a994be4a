"""A body makes each request of a source a POST, with the parameters of pages in it."""

import json
from typing import Any

import pytest

from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import (
    Answer,
    PagedSource,
    SourceRequest,
    rows,
)


def test_body_is_posted_as_json(imported: SourceImport, source: PagedSource) -> None:
    source.answer = lambda _: Answer(rows(1, 1))
    body = '{"from": "2017-05-01", "ü": 1}'
    assert imported(f"body = '{body}'").code == 0
    (request,) = source.requests
    assert (request.method, request.body.decode()) == ("POST", body)
    assert request.headers["content-type"] == "application/json"


def test_body_with_its_own_content_type_is_posted_unchanged(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda _: Answer(rows(1, 1))
    mapping = "body = 'a=1'\n[headers]\ncontent-type = 'application/x-www-form-urlencoded'"
    assert imported(mapping).code == 0
    (request,) = source.requests
    assert request.body == b"a=1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("content_type", ["", "application/vnd.x+json; a=b"])
def test_body_that_is_not_json_exits_11(
    imported: SourceImport, source: PagedSource, content_type: str
) -> None:
    headers = f"[headers]\nContent-Type = '{content_type}'" if content_type else ""
    result = imported(f"body = 'a=1'\n{headers}")
    assert (result.code, source.requests) == (11, [])
    assert "The body in the mapping is not JSON" in result.err


@pytest.mark.parametrize(
    ("body", "parameter", "sent"),
    [
        ({"filter": {"page": 1, "size": 2}}, "filter.page", {"filter": {"page": 2, "size": 2}}),
        ({"page": 1}, "page", {"page": 2}),
        ({"a": 1}, "page", {"a": 1, "page": 2}),
        ({"a": 1}, "filter.page", {"a": 1, "filter": {"page": 2}}),
        ({"filter.page": 1, "filter": {}}, "filter.page", {"filter.page": 2, "filter": {}}),
    ],
)
def test_page_number_is_a_member_of_a_json_body(
    imported: SourceImport, source: PagedSource, body: Any, parameter: str, sent: Any
) -> None:
    def answer(_: SourceRequest) -> Answer:
        number = len(source.requests)
        return Answer(rows(number, number) if number < 3 else [])

    source.answer = answer
    result = imported(f"body = '{json.dumps(body)}'\npage_parameter = '{parameter}'")
    assert result.code == 0, result.err
    assert imported.ids == ["E1", "E2"]
    assert source.requests[1].json == sent
    assert source.requests[1].path == "/entries"


def test_parameter_of_the_query_stays_there_beside_a_body(
    imported: SourceImport, source: PagedSource
) -> None:
    def answer(request: SourceRequest) -> Answer:
        start = int(request.query["offset"])
        return Answer(rows(start + 1, min(start + 2, 3)))

    source.answer = answer
    mapping = 'body = "{}"\noffset_parameter = "offset"'
    assert imported(mapping, path="/entries?offset=0&a=1").code == 0
    assert imported.ids == ["E1", "E2", "E3"]
    assert source.urls[1] == "/entries?a=1&offset=2"
    assert {request.body for request in source.requests} == {b"{}"}


def test_token_in_a_response_header_is_sent_in_the_body(
    imported: SourceImport, source: PagedSource
) -> None:
    def answer(request: SourceRequest) -> Answer:
        first = int(request.json["first_row"])
        headers = {"X-Next-Row-Number": str(first + 2)} if first < 5 else {}
        return Answer(rows(first, min(first + 1, 5)), headers)

    source.answer = answer
    result = imported(
        """body = '{"first_row": 1}'
        next = "X-Next-Row-Number"
        next_parameter = "first_row" """
    )
    assert result.code == 0, result.err
    assert imported.ids == ["E1", "E2", "E3", "E4", "E5"]
    assert [request.json["first_row"] for request in source.requests] == [1, 3, 5]


def test_parameter_without_a_place_in_the_body_exits_11(
    imported: SourceImport, source: PagedSource
) -> None:
    result = imported("""body = '{"filter": []}'\npage_parameter = "filter.page" """)
    assert (result.code, source.requests) == (11, [])
    assert "'filter.page' cannot be put into the body" in result.err
