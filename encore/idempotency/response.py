"""Responses as they are stored: MessagePack, compressed if they are long."""

import zlib
from typing import Final, NamedTuple

import msgspec

from encore.errors import BadRequest

Headers = list[tuple[bytes, bytes]]

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""The largest body of a response that is stored."""

REPLAYED: Final = (b"idempotency-replayed", b"true")
"""The header of a response that was stored."""

_COMPRESSED_BYTES: Final = 4 * 1024
"""From this size on, a response is compressed."""

IN_THREAD_BYTES: Final = 128 * 1024
"""From this size on, encoding and decoding belong in a thread."""

_ZLIB: Final = b"\x78"
"""The first byte of what zlib has compressed; that of an array of MessagePack is another one."""

_encode: Final = msgspec.msgpack.Encoder().encode
_Content = tuple[int, list[tuple[bytes, bytes]], bytes]
_decode: Final = msgspec.msgpack.Decoder(_Content).decode


class StoredResponse(NamedTuple):
    """A complete response.

    Attributes:
        status: The HTTP status.
        headers: Those of the operation; the headers of each request are not among them.
        body: The bytes.
    """

    status: int
    headers: Headers
    body: bytes


def encode_response(response: StoredResponse) -> bytes:
    """Return a response as it is stored.

    Raises:
        BadRequest: It is too large.
    """
    size = len(response.body)
    if size < _COMPRESSED_BYTES:
        return _encode(response)
    if size > MAX_RESPONSE_BYTES:
        raise BadRequest(
            f"The response has {size} bytes; with an Idempotency-Key it may have at most"
            f" {MAX_RESPONSE_BYTES}, since it is stored: ask for less"
        )
    return zlib.compress(_encode(response), 1)


def decode_response(stored: bytes) -> StoredResponse:
    """Return a response from what is stored."""
    if stored[:1] == _ZLIB:
        stored = zlib.decompress(stored)
    return StoredResponse(*_decode(stored))
