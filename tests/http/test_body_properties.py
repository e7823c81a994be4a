"""Bodies under hypothesis: decoded strictly, or refused; never anything in between."""

import asyncio
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import Message

from encore.errors import ApiError, MalformedBody, PayloadTooLarge
from encore.http.request_body import decode_json, read_json_object

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


def read(chunks: list[bytes], limit: int = 1024 * 1024) -> dict[str, Any]:
    """Read a body that comes in these chunks."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    return asyncio.run(read_json_object({"headers": []}, receive, limit))


def same(one: Any, other: Any) -> bool:
    """Compare with types: 1, 1.0 and true are three different things."""
    return json.dumps(one) == json.dumps(other)


@given(VALUES)
def test_what_was_encoded_is_decoded_to_the_same(value: Any) -> None:
    for ascii_only in (True, False):
        try:
            text = json.dumps(value, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:  # A lone surrogate, which UTF-8 cannot hold.
            continue
        assert same(decode_json(text), value)


@given(OBJECTS, st.integers(1, 7))
def test_a_body_is_the_same_however_it_is_cut(value: dict[str, Any], size: int) -> None:
    text = json.dumps(value).encode()
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert same(read(chunks), value)


@given(st.binary(max_size=100))
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 5000)
@example(b"-" + b"9" * 5000)
@example(b"1e999999")
@example(b'"\\ud800"')
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    try:
        value = decode_json(body)
    except MalformedBody as refusal:
        refusal.render("/parts", "id")  # Whatever it quotes can be sent.
    else:
        assert same(value, json.loads(body))


@given(st.text(alphabet='{}[]:,"\\ \n\t0123456789.eE+-truefalsnN/*', max_size=30))
def test_another_reader_sees_the_same(text: str) -> None:
    try:
        value = decode_json(text.encode())
    except MalformedBody as refusal:
        if "twice" not in refusal.message:
            with pytest.raises(msgspec.DecodeError):
                msgspec.json.decode(text)
    else:
        if finite(value):  # 1e999 is JSON, but not every reader's.
            assert msgspec.json.decode(text) == value


def finite(value: Any) -> bool:
    """Tell whether no number in it has grown beyond all bounds (1e999 is JSON)."""
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(finite, value))
        case dict():
            return all(map(finite, value.values()))
        case _:
            return True


@given(OBJECTS, st.data())
def test_a_member_named_twice_is_refused_wherever_it_stands(
    value: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)) if value else st.text(max_size=8))
    members = [f"{json.dumps(key)}:{json.dumps(item)}" for key, item in value.items()]
    if name not in value:
        members.append(f"{json.dumps(name)}:1")
    place = data.draw(st.integers(0, len(members)))
    members.insert(place, f"{json.dumps(name)}:null")
    text = "{" + ",".join(members) + "}"
    for body in (text, f"[{text}]", f'{{"outer":{text}}}'):
        with pytest.raises(MalformedBody, match="twice"):
            decode_json(body.encode())


@given(VALUES.filter(lambda value: not isinstance(value, dict)))
def test_only_an_object_is_a_body(value: Any) -> None:
    with pytest.raises(MalformedBody):
        read([json.dumps(value).encode()])


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 100))
def test_no_more_than_the_limit_is_read(chunks: list[bytes], limit: int) -> None:
    size = sum(map(len, chunks))
    try:
        read(chunks, limit)
    except PayloadTooLarge:
        assert size > limit
    except ApiError:
        assert size <= limit
    else:
        assert size <= limit
