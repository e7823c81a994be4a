"""Responses as they are stored: MessagePack, compressed if they are long."""

import asyncio
import zlib
from dataclasses import dataclass
from typing import Final

import msgspec

from encore.errors import BadRequest

Headers = list[tuple[bytes, bytes]]

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""The largest body of a response that is stored."""

REPLAYED: Final = (b"idempotency-replayed", b"true")
"""The header of a response that was stored."""

_COMPRESSED_BYTES: Final = 4 * 1024
"""From this size on, a response is compressed."""

_IN_THREAD_BYTES: Final = 256 * 1024
"""From this size on, it is compressed in a thread."""

_ZLIB: Final = b"\x78"
"""The first byte of what zlib has compressed; that of an array of MessagePack is another one."""

_encode: Final = msgspec.msgpack.Encoder().encode
_Content = tuple[int, list[tuple[bytes, bytes]], bytes]
_decode: Final = msgspec.msgpack.Decoder(_Content).decode


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A complete response.

    Attributes:
        status: The HTTP status.
        headers: Those of the operation; the headers of each request are not among them.
        body: The bytes.
    """

    status: int
    headers: Headers
    body: bytes


async def encode_response(response: StoredResponse) -> bytes:
    """Return a response as it is stored.

    Raises:
        BadRequest: It is too large.
    """
    size = len(response.body)
    if size > MAX_RESPONSE_BYTES:
        raise BadRequest(
            f"The response has {size} bytes; with an Idempotency-Key it may have at most"
            f" {MAX_RESPONSE_BYTES}, since it is stored: ask for less"
        )
    packed = _encode((response.status, response.headers, response.body))
    if size < _COMPRESSED_BYTES:
        return packed
    if size < _IN_THREAD_BYTES:
        return zlib.compress(packed, 1)
    return await asyncio.to_thread(zlib.compress, packed, 1)


async def decode_response(stored: bytes) -> StoredResponse:
    """Return a response from what is stored."""
    if stored[:1] == _ZLIB:
        is_long = len(stored) > _IN_THREAD_BYTES // 8
        decompress = zlib.decompress
        stored = await asyncio.to_thread(decompress, stored) if is_long else decompress(stored)
    return StoredResponse(*_decode(stored))
