"""Whatever a source answers, it is followed, complete, or refused in words: no other error."""

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.sources.completeness import check_complete, check_response
from client.importing.sources.paging import Page, create_paging
from client.importing.sources.request import PageRequest

NAMES = st.sampled_from(
    ["next", "links", "total", "count", "meta", "pages", "last", "has_more", "href", "rel", "value"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["/a", "?page=2", "https://tempus.example/a", "http://[", "next", "\ud800"])
)
MEMBERS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
ENVELOPES = st.dictionaries(NAMES | st.text(max_size=4), MEMBERS, max_size=5)
HEADER_VALUES = st.text(st.characters(max_codepoint=255), max_size=12) | st.text(
    st.sampled_from('<>;,="\\ nextrl/?1'), max_size=20
)
HEADERS = st.dictionaries(
    st.sampled_from(["link", "x-total", "x-total-pages", "x-next-page", "content-range"]),
    HEADER_VALUES,
)
MAPPINGS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"next": "next"},
        {"next": "links.next"},
        {"next": "links.0.next", "next_parameter": "token"},
        {"next": "none"},
        {"page_parameter": "page"},
        {"offset_parameter": "start"},
    ]
)
REQUESTS = st.sampled_from(
    [
        PageRequest("https://tempus.example/entries?limit=2"),
        PageRequest("https://tempus.example/entries", '{"page": {"size": 2}, "token": null}'),
    ]
)


@given(envelope=ENVELOPES, headers=HEADERS, keys=MAPPINGS, request_=REQUESTS)
def test_any_answer_is_followed_complete_or_refused(
    *,
    envelope: dict[str, Any],
    headers: dict[str, str],
    keys: dict[str, Any],
    request_: PageRequest,
) -> None:
    mapping = FieldMapping(rows="data.items", **keys)
    paging = create_paging(mapping)
    page = Page(request_, headers, envelope, 1, 2, 2)
    with suppress(SourceError):
        check_response(page, mapping, paging)
        following = paging.next(page)
        assert following is None or following.url.startswith("https://tempus.example/")
        check_complete(page, mapping, paging)
    with suppress(SourceError):
        check_complete(page._replace(request=PageRequest("")), mapping, paging)
