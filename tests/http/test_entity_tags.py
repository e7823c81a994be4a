"""Entity tags and HTTP dates: what is parsed, what is malformed, and what matches."""

from typing import Any

import pytest

from encore.errors import BadRequest
from encore.http.entity_tags import (
    ANY,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    EntityTag,
    format_http_date,
    http_date_seconds,
    parse_entity_tags,
    parse_http_date,
)

SECONDS = 784_111_777


def scope(*lines: str, name: bytes = IF_MATCH) -> dict[str, Any]:
    return {"headers": [(b"host", b"x"), *((name, line.encode("latin-1")) for line in lines)]}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['"a"'], ["a"]),
        (['""'], [""]),
        (['"a", W/"b","c"'], ["a", "W/b", "c"]),
        ([' , "a" ,, \t"b", '], ["a", "b"]),
        (['"a"', '"b", "c"'], ["a", "b", "c"]),
        (['"a,b", "\xe4"'], ["a,b", "\xe4"]),
        (['"3.x/+="'], ["3.x/+="]),
    ],
    ids=str,
)
def test_list_of_tags_is_parsed(lines: list[str], expected: list[str]) -> None:
    parsed = parse_entity_tags(scope(*lines), IF_MATCH)
    assert parsed is not None
    assert not parsed.any
    assert [("W/" if tag.weak else "") + tag.opaque for tag in parsed.tags] == expected


@pytest.mark.parametrize("value", ["*", " * ", "\t*"])
def test_asterisk_alone_means_any(value: str) -> None:
    assert parse_entity_tags(scope(value), IF_MATCH) == ANY


@pytest.mark.parametrize(
    "lines",
    [
        ["a"], ['"a'], ['a"'], ['x"a"'], ['"a" "b"'], ['w/"a"'], ['W/ "a"'], ["W/"], ["'a'"],
        ['"a b"'], ['"a\tb"'], ['"a\x7fb"'], ["*, *"], ['*, "a"'], ['"a"', "*"], ["*", '"a"'],
        [""], [" "], [","], ["", ""], ['"a"; "b"'],
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", [IF_MATCH, IF_NONE_MATCH])
def test_malformed_header_is_named(lines: list[str], name: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_entity_tags(scope(*lines, name=name), name)
    header = {IF_MATCH: "If-Match", IF_NONE_MATCH: "If-None-Match"}[name]
    assert caught.value.message.startswith(f"{header} must be ")
    assert caught.value.errors == [{"field": header, "message": caught.value.message}]


def test_missing_header_is_none() -> None:
    assert parse_entity_tags(scope(), IF_MATCH) is None
    assert parse_http_date(scope(), IF_UNMODIFIED_SINCE) is None


@pytest.mark.parametrize(
    ("first", "second", "strong", "weak"),
    [
        (EntityTag("1", weak=True), EntityTag("1", weak=True), False, True),
        (EntityTag("1", weak=True), EntityTag("2", weak=True), False, False),
        (EntityTag("1", weak=True), EntityTag("1"), False, True),
        (EntityTag("1"), EntityTag("1"), True, True),
    ],
)
def test_comparison_is_that_of_the_rfc(
    first: EntityTag, second: EntityTag, *, strong: bool, weak: bool
) -> None:
    """The table of RFC 9110, section 8.8.3.2."""
    for one, other in ((first, second), (second, first)):
        assert one.matches_strongly(other) is strong
        assert one.matches_weakly(other) is weak


def test_row_version_is_compared_strongly_and_without_the_representation() -> None:
    tags = parse_entity_tags(scope('"2.a", W/"3.b", "4"'), IF_MATCH)
    assert tags is not None
    assert [tags.include_row(version) for version in ("2", "3", "4", "2.a", "")] == [
        True, False, True, False, False,
    ]  # fmt: skip
    assert ANY.include_row("9")


def test_whole_tag_is_compared_weakly() -> None:
    tags = parse_entity_tags(scope('"2.a", W/"3.b"', name=IF_NONE_MATCH), IF_NONE_MATCH)
    assert tags is not None
    assert [tags.include(EntityTag(tag)) for tag in ("2.a", "3.b", "2.b", "2")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " Sun, 06 Nov 1994 08:49:37 GMT ",
    ],
)
def test_each_form_of_a_date_is_parsed(value: str) -> None:
    assert parse_http_date(scope(value, name=IF_UNMODIFIED_SINCE), IF_UNMODIFIED_SINCE) == SECONDS
    assert format_http_date(SECONDS) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_leap_second_begins_the_next_minute() -> None:
    leap = http_date_seconds(b"Sat, 31 Dec 2016 23:59:60 GMT")
    assert leap == http_date_seconds(b"Sun, 01 Jan 2017 00:00:00 GMT")


@pytest.mark.parametrize(
    "lines",
    [
        ["yesterday"], [""], ["784111777"], ["1994-11-06T08:49:37Z"],
        ["Sun, 06 Nov 1994 08:49:37 UTC"], ["Sun, 06 Nov 1994 08:49:37 +0000"],
        ["Sun, 31 Feb 1994 08:49:37 GMT"], ["Sun, 06 Nov 1994 24:00:00 GMT"],
        ["Sun, 06 Nov 1994 08:49:61 GMT"], ["Sun, 06 Foo 1994 08:49:37 GMT"],
        ["Sun, 06 Nov 0000 08:49:37 GMT"],
        ["Sun, 06 Nov 1994 08:49:37 GMT"] * 2,
    ],
    ids=str,
)  # fmt: skip
def test_invalid_date_raises(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="If-Unmodified-Since must be one HTTP date"):
        parse_http_date(scope(*lines, name=IF_UNMODIFIED_SINCE), IF_UNMODIFIED_SINCE)
