"""Cursors: positions in a list as opaque text that only this service can read and write.

A cursor is encrypted and authenticated with AES-SIV (RFC 5297), since sort keys may be hidden
fields; the same position always has the same cursor. It is bound to the path and to the sort,
filters, search and presets of its request, but not to a caller: rows are those that the request
with the cursor may see.

Its bytes are a version and an encrypted MessagePack array: the digest of the query, the number of
rows passed, the rows skipped after the keys, whether it leads backwards, and the sort keys.
"""

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from encore.pages.page import BEGINNING, KeysetPosition
from encore.query.page_parameters import CURSOR
from encore.query.parameter_errors import invalid_parameter
from encore.secret_key import Secret

MAX_LENGTH: Final = 4_096
"""The maximum length of a cursor, in characters."""

_PURPOSE: Final = "cursors 1"
_KEY_BYTES: Final = 64
_VERSION: Final = b"\x01"
_CACHED: Final = 128
_MAX_KEYS: Final = MAX_LENGTH * 3 // 4
_BLOCK: Final = 16
"""Cursors are padded to blocks of 16 bytes, so that their length discloses little of the keys."""

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_NATIVE: Final = frozenset({type(None), bool, int, float, str, bytes})
"""The types of MessagePack; others (those of ``is_exact``) are encoded as tagged text."""

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")
_TAGS: Final[tuple[tuple[str, type, Callable[[Any], str]], ...]] = (
    ("decimal", Decimal, str),
    ("uuid", UUID, str),
    ("datetime", datetime, datetime.isoformat),  # Before date, its base class.
    ("date", date, date.isoformat),
    ("time", time, time.isoformat),
)
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "decimal": Decimal,
    "uuid": UUID,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}

_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder().decode


class CursorPayload(NamedTuple):
    """The content of a cursor.

    Attributes:
        position: The position in the list.
        passed: How many rows come before it, for ``Content-Range``.
    """

    position: KeysetPosition
    passed: int


FIRST_PAGE: Final = CursorPayload(BEGINNING, 0)


class CursorCodec:
    """Encodes and decodes the cursors of one resource.

    Args:
        secret: The secret from which their key is derived.
        path: The path template of the list.

    Attributes:
        secret: As given.
        encode: Returns the cursor of a payload, with a cache (``_encode``).
    """

    def __init__(self, secret: Secret, path: str) -> None:
        self.secret = secret
        self._path = path.encode()
        self._cipher: AESSIV | None = None
        # Equal payloads have equal cursors, and first pages are requested often.
        self.encode = lru_cache(_CACHED)(self._encode)

    @property
    def ready(self) -> bool:
        """Whether the key is loaded; otherwise await ``prepare``."""
        return self._cipher is not None and self.secret.loaded

    async def prepare(self) -> None:
        """Load the key. Await it before taking a connection: it may need one itself."""
        if not self.secret.loaded:
            self._cipher = None
            await self.secret.load()
        if self._cipher is None:
            self._cipher = AESSIV(self.secret.derive(_PURPOSE, _KEY_BYTES))
            self.encode.cache_clear()

    @staticmethod
    def can_hold(position: KeysetPosition) -> bool:
        """Return whether the text and bytes among the sort keys of a position fit in a cursor."""
        size = 0
        for key in position.keys:
            if type(key) is str or type(key) is bytes:
                size += len(key)
        return size <= _MAX_KEYS

    def _encode(self, payload: CursorPayload, digest: bytes, parent: tuple[Any, ...] = ()) -> str:
        """Return the cursor of a payload.

        Args:
            payload: The payload.
            digest: The digest of sort, filters, search and presets.
            parent: The key of the parent row of a nested list.
        """
        position = payload.position
        keys = [key if type(key) in _NATIVE else _tagged(key) for key in position.keys]
        plain = _pack([digest, payload.passed, position.skip, position.backwards, *keys])
        padding = _BLOCK - len(plain) % _BLOCK
        plain += bytes((padding,)) * padding
        encrypted = self._key.encrypt(plain, [self._associated_data(parent)])
        return b2a_base64(_VERSION + encrypted, newline=False).translate(_URL_SAFE, b"=").decode()

    def decode(self, cursor: str, digest: bytes, parent: tuple[Any, ...] = ()) -> CursorPayload:
        """Return the payload of a cursor.

        Raises:
            InvalidQuery: It was changed, is of another list or key, or was made for another sort,
                filter, search or preset.
        """
        its_digest, passed, skip, backwards, *keys = self._decrypt(cursor, parent)
        if its_digest != digest:
            raise invalid_parameter(
                CURSOR,
                "was made for another sort, filter, search or preset: these must not change;"
                " leave the cursor out to start again",
            )
        values = tuple([_untagged(key) for key in keys])
        return CursorPayload(KeysetPosition(values, skip, backwards), passed)

    def _decrypt(self, cursor: str, parent: tuple[Any, ...]) -> list[Any]:
        try:
            encrypted = _from_text(cursor)
            plain = self._key.decrypt(encrypted, [self._associated_data(parent)])
        except (ValueError, InvalidTag) as error:
            raise invalid_parameter(
                CURSOR,
                "is not a cursor of this list: it is incomplete or changed, of another path, or"
                " made by a service with another secret; leave it out to start again",
            ) from error
        array: list[Any] = _unpack(plain[: -plain[-1]])
        return array

    @property
    def _key(self) -> AESSIV:
        if self._cipher is None:
            raise RuntimeError("cursors are used before prepare() was awaited")
        return self._cipher

    def _associated_data(self, parent: tuple[Any, ...]) -> bytes:
        return self._path + repr(parent).encode() if parent else self._path


def _from_text(cursor: str) -> bytes:
    """Return the encrypted bytes of a cursor. Raises ``ValueError``."""
    if len(cursor) > MAX_LENGTH or not _ALPHABET.fullmatch(cursor):
        raise ValueError("not base64url")
    decoded = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    if not decoded.startswith(_VERSION):
        raise ValueError("an unknown version")
    return decoded[len(_VERSION) :]


def _tagged(key: Any) -> list[str]:
    """Return the type and the text of a key whose type MessagePack lacks."""
    for name, type_, write in _TAGS:
        if isinstance(key, type_):
            return [name, write(key)]
    raise TypeError(f"a sort key must not be a {type(key).__name__}")


def _untagged(key: Any) -> Any:
    if not isinstance(key, list):
        return key
    name, text = key
    return _READERS[name](text)
