"""Signs of more rows than were read, in headers and around the rows."""

from typing import Any

import pytest

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.sources.completeness import check_complete
from client.importing.sources.paging import Page, create_paging
from client.importing.sources.request import PageRequest

URL = PageRequest("https://tempus.example/entries")
FILE = PageRequest("")


def check(
    headers: dict[str, str], envelope: dict[str, Any], request: PageRequest = URL, **mapping: Any
) -> None:
    """Check one page of two rows in ``data.items``."""
    keys = FieldMapping(rows="data.items", **mapping)
    page = Page(request, headers, envelope, 1, 2, 2)
    check_complete(page, keys, create_paging(keys))


MORE_HEADERS = [
    {"x-total": "3"},
    {"x-total-count": "3"},
    {"x-wp-total": "3"},
    {"content-range": "items 0-1/3"},
    {"content-range": "0-1/3"},
    {"x-total-pages": "2"},
    {"x-wp-totalpages": "2"},
    {"x-pagination-page-count": "2"},
    {"x-next-page": "2"},
    {"x-next-row-number": "51"},
    {"x-next-cursor": "abc"},
    {"x-ms-continuationtoken": "abc"},
    {"x-has-more": "true"},
    {"last-page": "false"},
    {"x-last-page": "4"},
]
ALL_HEADERS = [
    {"x-total-count": "2", "x-total-pages": "1", "x-next-page": ""},
    {"x-total-count": "many"},
    {"x-total-count": "1"},
    {"content-range": "items 0-1/*"},
    {"content-range": "items 0-1/2"},
    {"x-next-page": "0"},
    {"x-has-more": "false", "last-page": "true"},
    {"link": '</entries?page=1>; rel="first"'},
]
MORE_MEMBERS: list[dict[str, Any]] = [
    {"total": 3},
    {"total": "3"},
    {"count": 3, "pageSize": 2},
    {"totalCount": 3},
    {"total_count": 3},
    {"total_entries": 3},
    {"@odata.count": 3},
    {"meta": {"total": 3}},
    {"meta": {"pagination": {"total": 3}}},
    {"data": {"paging": {"count": 3}, "total": 3}},
    {"data": {"total": {"value": 3, "relation": "eq"}}},
    {"totals": [{"totalTime": 7200, "entriesCount": 3}]},
    {"totalPages": 2},
    {"total_pages": 2},
    {"meta": {"last_page": 2}},
    {"pages": 2},
    {"next": "https://tempus.example/entries?page=2"},
    {"next": 2},
    {"next_page": 2},
    {"nextPageToken": "abc"},
    {"nextLink": "/entries?page=2"},
    {"@odata.nextLink": "/entries?page=2"},
    {"links": {"next": "/entries?page=2"}},
    {"links": {"next": {"href": "/entries?page=2"}}},
    {"_links": {"next": {"href": "/entries?page=2"}}},
    {"_links": {"nextByOffset": {"href": "/entries?offset=2"}}},
    {"links": [{"rel": "self", "href": "/entries"}, {"rel": "next", "href": "/entries?page=2"}]},
    {"metadata": {"count": 2, "next": "/entries?offset=2"}},
    {"response_metadata": {"next_cursor": "abc"}},
    {"has_more": True},
    {"hasMore": True},
    {"has_more": "true"},
    {"has_more": 1},
    {"more": True},
    {"page_context": {"has_more_page": True}},
    {"info": {"more_records": True}},
    {"has_more_entries": True},
    {"@Microsoft.Dynamics.CRM.morerecords": True},
    {"hasAfter": True},
    {"paging": {"next": {"after": "NTI1"}}},
    {"next_page": {"offset": "abc", "path": "/entries?offset=abc"}},
    {"data": {"cursor": "abc"}},
    {"total_number_of_items": 3},
    {"pagination": {"page": 1, "itemCount": 3}},
    {"data": {"numFound": 3}},
    {"isLast": False},
    {"last": False},
    {"pagination": {"hasNext": True}},
    {"data": {"timelogs": {"pageInfo": {"hasNextPage": True, "endCursor": "abc"}}}},
]
ALL_MEMBERS = [
    {},
    {"total": 2, "count": 2, "totalPages": 1, "next": None, "links": {"next": ""}},
    {"total": 2.5},
    {"total": -1},
    {"total": True},
    {"total": None},
    {"total": 1},
    {"count": 2, "next": None, "previous": "/entries"},
    {"next": False, "has_more": False, "isLast": True, "last": True},
    {"_links": {"next": {}, "self": {"href": "/entries"}}},
    {"links": [{"rel": "self", "href": "/entries"}]},
    {"summary": {"total": 7200, "count": 12, "next": "2017-05-11", "last": False, "pages": 9}},
    {"nextPageToken": ""},
    {"response_metadata": {"next_cursor": ""}},
    {"user": {"next": "Bob", "cursor": "wait"}},
    {"more": False, "cursor": None, "paging": {"next": {"after": None}}, "next_page": {}},
    {"settings": {"more": True, "nomore": True, "has_more": "false"}, "moreover": True},
    {"links": {"next": {"href": None, "title": "Next", "templated": False}}},
    {"pagination": {"itemCount": 2}},
]


@pytest.mark.parametrize("headers", MORE_HEADERS)
def test_header_that_names_more_raises(headers: dict[str, str]) -> None:
    with pytest.raises(SourceError, match=r"more than the 2 rows.* Write in the mapping"):
        check(headers, {})


@pytest.mark.parametrize("headers", ALL_HEADERS)
def test_headers_of_a_complete_source_pass(headers: dict[str, str]) -> None:
    check(headers, {})


@pytest.mark.parametrize("request_", [URL, FILE])
@pytest.mark.parametrize("envelope", MORE_MEMBERS)
def test_member_that_names_more_raises(envelope: dict[str, Any], request_: PageRequest) -> None:
    with pytest.raises(SourceError, match=r"more than the 2 rows.*next = \"none\""):
        check({}, envelope, request_)


@pytest.mark.parametrize("request_", [URL, FILE])
@pytest.mark.parametrize("envelope", ALL_MEMBERS)
def test_members_of_a_complete_source_pass(envelope: dict[str, Any], request_: PageRequest) -> None:
    check({}, envelope, request_)


def test_total_that_is_reached_outweighs_next_page_in_a_file_only() -> None:
    envelope = {"total": 2, "_links": {"nextByOffset": {"href": "/entries?offset=2"}}}
    check({}, envelope, FILE)
    with pytest.raises(SourceError, match=r"nextByOffset\.href names a next page"):
        check({}, envelope, URL)


def test_count_of_a_page_outweighs_nothing() -> None:
    with pytest.raises(SourceError, match="next names a next page"):
        check({}, {"count": 2, "next": "/entries?page=2"}, FILE)


@pytest.mark.parametrize("request_", [URL, FILE])
def test_next_none_turns_all_checks_off(request_: PageRequest) -> None:
    for headers in MORE_HEADERS:
        check(headers, {}, request_, next="none")
    for envelope in MORE_MEMBERS:
        check({}, envelope, request_, next="none")


def test_only_totals_count_after_a_page_without_rows() -> None:
    check({"x-total-pages": "7"}, {"next": "/entries?page=9"}, page_parameter="page")
    with pytest.raises(SourceError, match="total is 3"):
        check({}, {"total": 3}, page_parameter="page")


def test_file_with_the_next_page_of_the_mapping_raises() -> None:
    with pytest.raises(SourceError, match=r"further\.url names a next page"):
        check({}, {"further": {"url": "/entries?page=2"}}, FILE, next="further.url")


@pytest.mark.parametrize(
    ("headers", "envelope", "advice"),
    [
        ({}, {"links": {"next": "/entries?page=2"}}, 'next = "links.next"'),
        ({}, {"nextPageToken": "abc"}, 'next = "nextPageToken" and next_parameter = "NAME"'),
        ({"x-next-page": "2"}, {}, 'next = "X-Next-Page" and next_parameter = "NAME"'),
        ({"x-total-pages": "2"}, {}, 'page_parameter = "NAME" if pages are numbered'),
        ({}, {"total": 9}, 'offset_parameter = "NAME" if rows are counted'),
    ],
)
def test_message_names_what_to_write_in_the_mapping(
    headers: dict[str, str], envelope: dict[str, Any], advice: str
) -> None:
    with pytest.raises(SourceError) as caught:
        check(headers, envelope)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "request_",
    [
        PageRequest("https://tempus.example/entries?per_page=2"),
        PageRequest("https://tempus.example/entries?a=1&page%5Bsize%5D=2"),
        PageRequest("https://tempus.example/entries?$top=2"),
        PageRequest("https://tempus.example/entries", '{"filter": {"pageSize": 2}}'),
    ],
)
def test_as_many_rows_as_the_request_allows_raise(request_: PageRequest) -> None:
    with pytest.raises(SourceError, match="allows exactly as many"):
        check({}, {}, request_)
    for headers in ({"x-total-count": "2"}, {"link": "<a>; rel=first"}, {"last-page": "true"}):
        check(headers, {}, request_)
    for envelope in ({"total": 2}, {"next": None}, {"hasMore": False}, {"links": {"next": ""}}):
        check({}, envelope, request_)
    for key in ("page_parameter", "offset_parameter", "next"):
        check({}, {}, request_, **{key: "name"})
    check({}, {}, request_, next="none")


def test_fewer_rows_than_the_request_allows_pass() -> None:
    check({}, {}, PageRequest("https://tempus.example/entries?limit=3"))
