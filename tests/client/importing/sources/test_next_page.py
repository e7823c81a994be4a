"""The next page by a member of the answer; keys of a mapping that exclude each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.loading import load_mapping
from client.importing.sources.paging import Page, create_paging
from client.importing.sources.request import PageRequest
from encore.client.errors import ConfigurationError
from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import Answer, PagedSource, rows

URL = "https://tempus.example/api/entries?a=1"


def next_url(
    envelope: Mapping[str, Any], headers: Mapping[str, str] | None = None, **keys: Any
) -> Any:
    """Return the URL of the page after one with this envelope."""
    page = Page(PageRequest(URL), headers or {}, envelope, 1, 2, 2)
    request = create_paging(FieldMapping(**keys)).next(page)
    return request and request.url


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://tempus.example/b?p=2", "https://tempus.example/b?p=2"),
        ("HTTPS://Tempus.example:443/b#part", "https://Tempus.example:443/b"),
        ("/b?p=2", "https://tempus.example/b?p=2"),
        ("?p=2", "https://tempus.example/api/entries?p=2"),
        ("./b", "https://tempus.example/api/b"),
        ("b/c?p=2", "https://tempus.example/api/b/c?p=2"),
        (" /b?q=a b ", "https://tempus.example/b?q=a%20b"),
    ],
)
def test_next_member_is_a_url(target: str, url: str) -> None:
    assert next_url({"links": {"next": target}}, next="links.next") == url
    assert next_url({"links": {"next": {"href": target}}}, next="links.next") == url


@pytest.mark.parametrize("envelope", [{}, {"next": None}, {"next": ""}, {"next": {}}, {"nxt": "/"}])
def test_page_without_next_member_is_the_last(envelope: dict[str, Any]) -> None:
    assert next_url(envelope, next="next") is None
    assert next_url(envelope, next="next", next_parameter="token") is None


@pytest.mark.parametrize(
    ("path", "envelope"),
    [
        ("@odata.nextLink", {"@odata.nextLink": "/b"}),
        ("a.b.c", {"a.b": {"c": "/b"}}),
        ("a.b.c", {"a": {"b.c": "/b", "b": {"c": "/no"}}}),
        ("a.b", {"a.b": "/b", "a": {"b": "/no"}}),
        ("links.1.href", {"links": [{"href": "/no"}, {"href": "/b"}]}),
    ],
)
def test_path_of_next_member_prefers_exact_names(path: str, envelope: dict[str, Any]) -> None:
    assert next_url(envelope, next=path) == "https://tempus.example/b"


def test_link_header_is_followed_if_next_member_is_absent() -> None:
    link = {"link": '</b>; rel="next"'}
    assert next_url({}, link, next="next") == "https://tempus.example/b"
    assert next_url({}, link, next="next", next_parameter="p") == "https://tempus.example/b"
    assert next_url({}, link, next="none") is None


@pytest.mark.parametrize(
    ("token", "sent"), [("a+/=", "a%2B%2F%3D"), (7, "7"), (0, "0"), ("/x", "%2Fx"), ("ä", "%C3%A4")]
)
def test_token_is_sent_as_parameter_of_the_request(token: Any, sent: str) -> None:
    keys: dict[str, Any] = {"next": "next", "next_parameter": "token"}
    assert next_url({"next": token}, **keys) == f"{URL}&token={sent}"
    assert next_url({"next": token}, next="next", next_parameter="a").endswith(f"entries?a={sent}")


@pytest.mark.parametrize("value", ["abc", "eyJhIjoxfQ==", 7, "javascript:alert(1)"])
def test_value_that_is_no_url_without_next_parameter_raises(value: Any) -> None:
    with pytest.raises(SourceError, match=r"'next' of page 1 is not a URL.*next_parameter"):
        next_url({"next": value}, next="next")


@pytest.mark.parametrize("value", [True, 1.5, [1], {"a": 1}])
def test_value_that_is_no_token_raises(value: Any) -> None:
    with pytest.raises(SourceError, match="is neither a URL nor a token"):
        next_url({"next": value}, next="next", next_parameter="token")


def test_token_that_cannot_be_encoded_raises() -> None:
    with pytest.raises(SourceError, match="characters that cannot be sent"):
        next_url({"next": "\ud800"}, next="next", next_parameter="token")


@pytest.mark.parametrize(
    "target",
    [
        "http://tempus.example/b",
        "https://tempus.example:8443/b",
        "https://tempus.example.evil/b",
        "https://user@tempus.example/b",
        "//evil/b",
        "ftp://tempus.example/b",
        "/\ud800?",
        "https://[/b",
        "https://tempus.example:99999/b",
    ],
)
def test_next_page_elsewhere_or_malformed_raises(target: str) -> None:
    with pytest.raises(SourceError, match="next page"):
        next_url({"next": target}, next="next")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('next = "a"\npage_parameter = "b"', "next and page_parameter are both set"),
        ('page_parameter = "a"\noffset_parameter = "b"', "page_parameter and offset_parameter are"),
        ('next = "none"\noffset_parameter = "b"', "next and offset_parameter are both set"),
        ('next_parameter = "a"', "next_parameter needs next"),
        ('next = "none"\nnext_parameter = "a"', "next_parameter needs next"),
        ('since_parameter = "a"\npage_parameter = "a"', "since_parameter is the parameter of"),
    ],
)
def test_keys_of_paging_that_exclude_each_other_are_refused(
    tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "m.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        load_mapping(tmp_path / "m.toml")


@pytest.mark.parametrize("page", ["x", "-1", "1.5", "9" * 5000])
def test_first_page_that_is_no_number_exits_12(
    imported: SourceImport, source: PagedSource, page: str
) -> None:
    result = imported('page_parameter = "page"', path=f"/entries?page={page}")
    assert (result.code, source.requests) == (12, [])
    assert "The parameter 'page' of the source must be an integer" in result.err


def test_redirect_is_not_followed(imported: SourceImport, source: PagedSource) -> None:
    source.answer = lambda _: Answer(rows(1, 1), {"Location": "/other"}, 302)
    result = imported()
    assert (result.code, len(source.requests)) == (12, 1)
    assert "302 Found. Redirects are not followed" in result.err


def test_since_is_put_into_a_json_body(imported: SourceImport, source: PagedSource) -> None:
    source.answer = lambda _: Answer(rows(1, 1))
    mapping = """body = '{"filter": {"from": "2000-01-01"}}'\nsince_parameter = "filter.from" """
    assert imported(mapping, "--since", "2017-05-01").code == 0
    assert source.requests[0].json == {"filter": {"from": "2017-05-01"}}
