"""Replays of batches: the access of each operation is checked again, as its own request's would be.

The stored response of a batch has the access of its operations as headers, which are not sent.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from encore.execution.context import Response
from encore.http.access import Access
from encore.idempotency.response import REPLAYED, StoredResponse

_ACCESS: Final = b":access"
_decode: Final = msgspec.json.Decoder(Access).decode


def stored_batch(response: Response, accesses: Iterable[Access]) -> StoredResponse:
    """Return the response of a batch as it is stored, with the access of its operations."""
    needed = (access for access in accesses if not access.public)
    required = [(_ACCESS, msgspec.json.encode(access)) for access in needed]
    return StoredResponse(response.status, [*response.headers, *required], response.body)


def read_stored_batch(stored: StoredResponse) -> tuple[Response, list[Access]]:
    """Return the replayed response of a batch, and the access of its operations."""
    headers = [header for header in stored.headers if header[0] != _ACCESS]
    accesses = [_decode(value) for name, value in stored.headers if name == _ACCESS]
    return Response(stored.status, [*headers, REPLAYED], stored.body), accesses
