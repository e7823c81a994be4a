"""Reading a request's body: limited in size, decoded, and parsed as strict JSON.

Limits hold for the received and for the decoded bytes. ``encore.strict_json`` decodes JSON.
"""

import asyncio
import codecs
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.types import Receive, Scope

from encore.errors import BadRequest, MalformedBody, PayloadTooLarge, UnsupportedMediaType
from encore.http.content_encoding import CHUNK_BYTES, content_decoder
from encore.http.media_types import get_content_type, parse_media_type
from encore.strict_json import BodyDecoder

_MAX_RATIO: Final = 200
"""How many times larger a compressed body may become; text becomes 5 to 50 times as large."""
_MIN_DECODED_LIMIT: Final = 1024 * 1024
"""The size that a decoded body may have whatever its ratio, in bytes."""

JSON_TYPES: Final = ("application/json", "application/merge-patch+json")


def get_header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first value of a header; None without one.

    Args:
        scope: The request.
        name: The name in lower case.
    """
    for key, value in scope["headers"]:
        if key == name:
            header: bytes = value
            return header
    return None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body.

    Args:
        scope: The request.
        receive: Its channel.
        limit: The maximum size, in bytes.

    Raises:
        PayloadTooLarge: Its declared, received or decoded size exceeds the limit.
        BadRequest: The client disconnected before its end, or the compressed body is malformed.
        UnsupportedMediaType: Its content coding is unsupported.
    """
    chunks = [chunk async for chunk in read_chunks(scope, receive, limit)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_chunks(scope: Scope, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """Yield the decoded body in chunks, as it is received.

    The limit holds for the received and for the decoded size; raises the errors of ``read_body``.
    """
    declared = get_header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    decoder = content_decoder(scope)
    received = decoded = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The request ended before its body did")
        chunk: bytes = message.get("body", b"")
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
        if decoder is None:
            yield chunk
            continue
        for decoded_chunk in decoder.decode(chunk):
            decoded += len(decoded_chunk)
            _check_decoded_size(decoded, received, limit)
            yield decoded_chunk
            if len(decoded_chunk) == CHUNK_BYTES:  # A chunk may grow a thousandfold: yield.
                await asyncio.sleep(0)
    if decoder is not None:
        decoder.finish()


def _check_decoded_size(decoded: int, received: int, limit: int) -> None:
    """Reject a compressed body that decodes to too much. Raises ``PayloadTooLarge``."""
    if decoded > limit:
        raise _too_large(limit)
    if decoded > max(_MIN_DECODED_LIMIT, received * _MAX_RATIO):
        raise PayloadTooLarge(f"The body may become at most {_MAX_RATIO} times as large")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body may hold at most {limit} bytes")


async def read_json(scope: Scope, receive: Receive, limit: int) -> Any:
    """Read any JSON value. Raises the errors of ``read_json_object``, also for an empty body."""
    body = await read_json_text(scope, receive, limit)
    return decode_json(body.removeprefix(codecs.BOM_UTF8))  # RFC 8259, section 8.1.


async def read_json_text(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read a body of a JSON media type, without decoding it. Raises the errors of ``read_body``."""
    body = await read_body(scope, receive, limit)
    _check_media_type(get_content_type(scope))
    return body


async def read_json_object(scope: Scope, receive: Receive, limit: int) -> dict[str, Any]:
    """Read a JSON object; an empty body is the empty object, as in Finale.

    Raises:
        UnsupportedMediaType: ``Content-Type`` is not JSON.
        MalformedBody: The body is not a JSON object.
    """
    body = await read_body(scope, receive, limit)
    if not body:
        return {}
    _check_media_type(get_content_type(scope))
    return decode_object(body)


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises ``MalformedBody``."""
    value = decode_json(body.removeprefix(codecs.BOM_UTF8))  # RFC 8259, section 8.1.
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object")
    return value


def _check_media_type(content_type: bytes | None) -> None:
    if content_type is None:
        return
    media_type = parse_media_type(content_type)
    if media_type is None or media_type.name not in JSON_TYPES or not media_type.is_utf8:
        raise UnsupportedMediaType(
            "The body must be application/json in UTF-8", headers={"Accept": "application/json"}
        )


decode_json: Final = BodyDecoder("The body", "line {0.lineno}, column {0.colno}").decode
"""Decode a JSON body. Raises ``MalformedBody``."""
