"""JSON bodies under hypothesis: decoded strictly, or rejected."""

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


def read_body(chunks: list[bytes], limit: int = 1024 * 1024) -> dict[str, Any]:
    """Read a body that arrives in these chunks."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    return asyncio.run(read_json_object({"headers": []}, receive, limit))


def equal(first: Any, second: Any) -> bool:
    """Return whether values and types are equal: 1, 1.0 and true differ."""
    return json.dumps(first) == json.dumps(second)


@given(VALUES)
def test_encoded_value_is_decoded_unchanged(value: Any) -> None:
    for ascii_only in (True, False):
        try:
            encoded = json.dumps(value, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:  # A lone surrogate, which UTF-8 cannot hold.
            continue
        assert equal(decode_json(encoded), value)


@given(OBJECTS, st.integers(1, 7))
def test_chunked_body_is_decoded_unchanged(value: dict[str, Any], size: int) -> None:
    encoded = json.dumps(value).encode()
    chunks = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    assert equal(read_body(chunks), value)


@given(st.binary(max_size=100))
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 5000)
@example(b"-" + b"9" * 5000)
@example(b"1e999999")
@example(b'"\\ud800"')
def test_arbitrary_bytes_are_decoded_or_malformed(body: bytes) -> None:
    try:
        value = decode_json(body)
    except MalformedBody as error:
        error.render("/parts", "id")  # What it quotes can be encoded.
    else:
        assert equal(value, json.loads(body))


@given(st.text(alphabet='{}[]:,"\\ \n\t0123456789.eE+-truefalsnN/*', max_size=30))
def test_decoding_agrees_with_msgspec(encoded: str) -> None:
    try:
        value = decode_json(encoded.encode())
    except MalformedBody as error:
        if "twice" not in error.message:
            with pytest.raises(msgspec.DecodeError):
                msgspec.json.decode(encoded)
    else:
        if is_finite(value):  # 1e999 is JSON, but msgspec rejects it.
            assert msgspec.json.decode(encoded) == value


def is_finite(value: Any) -> bool:
    """Return whether all numbers are finite (1e999 is JSON)."""
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(is_finite, value))
        case dict():
            return all(map(is_finite, value.values()))
        case _:
            return True


@given(OBJECTS, st.data())
def test_duplicate_member_is_rejected_at_any_depth(
    value: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)) if value else st.text(max_size=8))
    members = [f"{json.dumps(key)}:{json.dumps(item)}" for key, item in value.items()]
    if name not in value:
        members.append(f"{json.dumps(name)}:1")
    index = data.draw(st.integers(0, len(members)))
    members.insert(index, f"{json.dumps(name)}:null")
    encoded = "{" + ",".join(members) + "}"
    for body in (encoded, f"[{encoded}]", f'{{"outer":{encoded}}}'):
        with pytest.raises(MalformedBody, match="twice"):
            decode_json(body.encode())


@given(VALUES.filter(lambda value: not isinstance(value, dict)))
def test_body_other_than_an_object_is_rejected(value: Any) -> None:
    with pytest.raises(MalformedBody):
        read_body([json.dumps(value).encode()])


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 100))
def test_body_limit_applies_to_all_chunks_together(chunks: list[bytes], limit: int) -> None:
    size = sum(map(len, chunks))
    try:
        read_body(chunks, limit)
    except PayloadTooLarge:
        assert size > limit
    except ApiError:
        assert size <= limit
    else:
        assert size <= limit
