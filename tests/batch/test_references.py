"""References: where they are found, what they become, and what is wrong with others."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encore.batch.references import (
    InvalidReference,
    Reference,
    find_member,
    open_container,
    parse_body,
    parse_path,
)
from encore.errors import PayloadTooLarge

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = TEXTS | st.sampled_from(["$ref", "$$ref", "$$$ref", "\\u0024ref"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def escaped(value: Any) -> Any:
    """Return a value with each member that looks like a reference escaped."""
    match value:
        case dict():
            return {
                f"${name}" if name.lstrip("$") == "ref" and name != "ref" else name: escaped(item)
                for name, item in value.items()
            }
        case list():
            return [escaped(item) for item in value]
        case _:
            return value


def never(reference: Reference) -> bytes:
    raise AssertionError(reference)


@given(VALUES)
def test_every_value_can_be_written_with_escapes(value: Any) -> None:
    for ascii_only in (True, False):
        raw = json.dumps(escaped(value), ensure_ascii=ascii_only).encode()
        assert json.loads(parse_body(raw).resolve(never, 1_000_000)) == value


def test_reference_is_found_however_its_name_is_written() -> None:
    body = parse_body(rb'{"x": [{"\u0024re\u0066": "a.b.0"}, "{a.b}", "$ref"]}')
    assert body.references == (Reference("a", ("b", "0"), "body.x[0]"),)
    assert body.resolve(lambda _: b"1e400", 100) == b'{"x":[1e400,"{a.b}","$ref"]}'


def test_large_values_are_not_written_beyond_the_limit() -> None:
    body = parse_body(b"[" + b",".join([b'{"$ref": "a.text"}'] * 100_000) + b"]")
    value, written = b'"' + b"x" * 100_000 + b'"', 0

    def resolve(_: Reference) -> bytes:
        nonlocal written
        written += len(value)
        return value

    with pytest.raises(PayloadTooLarge):
        body.resolve(resolve, 1_000_000)
    assert written < 1_200_000  # Of ten gigabytes.


def test_numbers_beside_a_reference_stay_as_they_were_sent() -> None:
    raw = b'{"a": {"$ref": "a.id"}, "b": 1e400, "c": 0.10, "d": 123456789012345678901234567890}'
    expected = b'{"a":"\xc3\xa4","b":1e400,"c":0.10,"d":123456789012345678901234567890}'
    assert parse_body(raw).resolve(lambda _: '"ä"'.encode(), 100) == expected


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"a": {"$ref": "a.id", "b": 1}}', "body.a.$ref"),
        (b'[[{"$ref": 7}]]', "body[0][0].$ref"),
        (rb'{"$ref": "a.\ud800"}', "body"),
        (b'{"$ref": "a"}', "body"),
        (b'{"$ref": "a..b"}', "body"),
        (b'{"$ref": ""}', "body"),
        (b"[" * 5_000 + b'{"$ref": "a.id"}' + b"]" * 5_000, "body"),
    ],
)
def test_malformed_reference_in_body_is_rejected(raw: bytes, field: str) -> None:
    with pytest.raises(InvalidReference) as raised:
        parse_body(raw)
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b"7", "/parts/7/x"),
        (b"1.50", "/parts/1.50/x"),
        (b"true", "/parts/true/x"),
        ('"a/b?c#d é%.{"'.encode(), "/parts/a%2Fb%3Fc%23d%20%C3%A9%25.%7B/x"),
    ],
)
def test_value_in_path_is_one_encoded_segment(value: bytes, path: str) -> None:
    template, query = parse_path("/parts/{a.id}/x?q=1")
    assert (template.resolve(lambda _: value), query) == (path, b"q=1")


@pytest.mark.parametrize("value", [b"null", b"[1]", b"{}", b'""', rb'"\ud800"'])
def test_value_that_makes_no_segment_is_rejected(value: bytes) -> None:
    template, _ = parse_path("/parts/{a.id}")
    with pytest.raises(InvalidReference, match=r"refers to a\.id, which is"):
        template.resolve(lambda _: value)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "parts",
        "http://host/parts",
        "/parts/x{a.id}",
        "/parts/{a.id}x",
        "/parts/{a}",
        "/parts/{}",
        "/parts/{a.id",
        "/parts/a b",
        "/parts/ä",
        "/parts/a\n",
        "/parts#x",
        "/parts?x={a.id}",
        "/parts?x=\ud800",
        "/parts/{a.\ud800}",
    ],
)
def test_malformed_path_is_rejected(path: str) -> None:
    with pytest.raises(InvalidReference) as raised:
        parse_path(path)
    assert raised.value.field == "path"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (("id",), b"7"),
        (("author", "name"), b'"Ada"'),
        (("tags", "1", "id"), b"2"),
        (("tags", "2"), None),
        (("tags", "01"), None),
        (("tags", "9999999999"), None),
        (("tags", "-1"), None),
        (("id", "x"), None),
        (("none",), None),
    ],
)
def test_member_of_result_is_found(members: tuple[str, ...], expected: bytes | None) -> None:
    body = b'{"id": 7, "author": {"name": "Ada"}, "tags": [{"id": 1}, {"id": 2}]}'
    assert find_member(open_container(body), members) == expected
