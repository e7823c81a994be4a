"""Whose key it is, and what makes two requests the same.

A key belongs to a caller (issuer, client and subject), a method and a path. The requests of one key
are the same if query, media type and coding of the body, preconditions, ``Prefer`` and the bytes of
the body are.
"""

from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from starlette.types import Scope

from encore.errors import BadRequest, IdempotencyKeyReused
from encore.http.request_state import RequestState

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

MIN_ANONYMOUS_CHARACTERS: Final = 16
"""The least characters of a key where callers are not told apart: two of them must not choose the
same. A UUID has 36, or 32 without hyphens."""

_COMPARED: Final = frozenset((b"content-type", b"content-encoding", b"prefer"))
_PRECONDITION: Final = b"if-"

_encode: Final = msgspec.msgpack.Encoder().encode


class IdempotentRequest(NamedTuple):
    """A request with an idempotency key.

    Attributes:
        owner: The SHA-256 of caller, method and path, in hexadecimal: each has its own keys.
        key: The key.
        fingerprint: The SHA-256 of what must be the same, in hexadecimal.
    """

    owner: str
    key: str
    fingerprint: str


def reused() -> IdempotencyKeyReused:
    """Return the error of a key that belongs to another request."""
    return IdempotencyKeyReused("This Idempotency-Key was used for another request")


def owner_of(scope: Scope, key: str) -> str:
    """Return the SHA-256 of caller, method and path, in hexadecimal.

    Raises:
        BadRequest: Callers are not told apart here, and the key is too short to be unique.
        Forbidden: The token identifies neither a user nor a client.
    """
    state = RequestState.from_scope(scope)
    caller = state.principal.key if state.claims else None
    if caller is None and len(key) < MIN_ANONYMOUS_CHARACTERS:
        raise BadRequest(
            f"Idempotency-Key must have at least {MIN_ANONYMOUS_CHARACTERS} characters here, as a"
            " UUID has: the callers of this operation are not told apart"
        )
    # The template and its decoded parameters: an escape that is spelt otherwise is the same path.
    path = state.route or scope["path"]
    parameters = scope.get("path_params")
    of_path = tuple(sorted(parameters.items())) if parameters else ()
    return _digest(caller, scope["method"], scope.get("root_path", ""), path, of_path)


@lru_cache(1024)
def _digest(*parts: Any) -> str:
    """Return the SHA-256 of hashable values, in hexadecimal."""
    return sha256(_encode(parts)).hexdigest()


def begin_fingerprint(scope: Scope) -> "HASH":
    """Return the fingerprint of a request without its body, which is to be added."""
    headers = [
        (name, value.strip(b" \t"))
        for name, value in scope["headers"]
        if name in _COMPARED or name[:3] == _PRECONDITION
    ]
    if len(headers) > 1:  # Stable: values of one name keep their order.
        headers.sort(key=itemgetter(0))
    # An array of MessagePack says where it ends, so that no body continues it.
    return sha256(_encode((scope["query_string"], headers)))
