"""Cursors: a position in a list, as text that only this service can read and write.

A cursor is encrypted and authenticated by AES-SIV (RFC 5297), since sort keys may be of fields
that are not shown; the same position always has the same cursor. It is valid for the path and the
sort, filters, search and presets that it was made under, and for nobody in particular: whoever
uses it sees the rows that their own request finds.

Its bytes are a version and, encrypted, a MessagePack array: the digest of the query, the number of
rows passed, those skipped behind the keys, whether it leads backwards, and the sort keys.
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

LONGEST: Final = 4_096
"""The most characters of a cursor."""

_PURPOSE: Final = "cursors 1"
_KEY_BYTES: Final = 64
_VERSION: Final = b"\x01"
_KEPT: Final = 128
_LONGEST_KEYS: Final = LONGEST * 3 // 4
_BLOCK: Final = 16
"""Cursors are padded to whole blocks, so that their length says little about the keys'."""

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_NATIVE: Final = frozenset({type(None), bool, int, float, str, bytes})
"""Types that MessagePack has; others are tagged text (those of ``pages.is_exact``)."""

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")
_TAGS: Final[tuple[tuple[str, type, Callable[[Any], str]], ...]] = (
    ("decimal", Decimal, str),
    ("uuid", UUID, str),
    ("datetime", datetime, datetime.isoformat),  # Before date, which it is as well.
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

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class CursorPayload(NamedTuple):
    """What a cursor holds.

    Attributes:
        position: Where the list goes on.
        number: How many rows were passed on the way there, for ``Content-Range``.
    """

    position: KeysetPosition
    number: int


FIRST_PAGE: Final = CursorPayload(BEGINNING, 0)


class CursorCodec:
    """Makes and reads the cursors of one resource.

    Args:
        secret: What their key is derived from.
        path: The path template of the list.

    Attributes:
        secret: As given.
    """

    def __init__(self, secret: Secret, path: str) -> None:
        self.secret = secret
        self._path = path.encode()
        self._cipher: AESSIV | None = None
        # The same place has the same cursor, and first pages are asked for again and again.
        self.write = lru_cache(_KEPT)(self._write)

    @property
    def ready(self) -> bool:
        """Whether the key is there; ``prepare`` is to be awaited otherwise."""
        return self._cipher is not None and self.secret.loaded

    async def prepare(self) -> None:
        """Get the key; to be awaited before a connection is taken, of which it may need one."""
        if not self.secret.loaded:
            self._cipher = None
            await self.secret.load()
        if self._cipher is None:
            self._cipher = AESSIV(self.secret.derive(_PURPOSE, _KEY_BYTES))
            self.write.cache_clear()

    @staticmethod
    def can_hold(position: KeysetPosition) -> bool:
        """Return whether a cursor is long enough for the text among the keys of a position."""
        size = 0
        for key in position.keys:
            if type(key) is str or type(key) is bytes:
                size += len(key)
        return size <= _LONGEST_KEYS

    def _write(self, place: CursorPayload, digest: bytes, parent: tuple[Any, ...] = ()) -> str:
        """Return the cursor of a place; to be called as ``write``.

        Args:
            place: The place.
            digest: Of sort, filters, search and presets.
            parent: The key of the row that a nested list is of.
        """
        assert self._cipher is not None  # noqa: S101 - prepare came first
        position = place.position
        keys = [key if type(key) in _NATIVE else _tagged(key) for key in position.keys]
        plain = _encode([digest, place.number, position.skip, position.backwards, *keys])
        padding = _BLOCK - len(plain) % _BLOCK
        plain += bytes((padding,)) * padding
        sealed = self._cipher.encrypt(plain, [self._bound_to(parent)])
        return b2a_base64(_VERSION + sealed, newline=False).translate(_URL_SAFE, b"=").decode()

    def read(self, cursor: str, digest: bytes, parent: tuple[Any, ...] = ()) -> CursorPayload:
        """Return the place of a cursor.

        Raises:
            InvalidQuery: It was changed, is of another list or key, or was made under another
                sort, filter, search or preset.
        """
        made_under, number, skip, backwards, *keys = self._open(cursor, parent)
        if made_under != digest:
            raise invalid_parameter(
                CURSOR,
                "was made under another sort, filter, search or preset: these must stay as they"
                " were; leave the cursor out to begin anew",
            )
        values = tuple([_untagged(key) for key in keys])
        return CursorPayload(KeysetPosition(values, skip, backwards), number)

    def _open(self, cursor: str, parent: tuple[Any, ...]) -> list[Any]:
        assert self._cipher is not None  # noqa: S101 - prepare came first
        try:
            sealed = _from_text(cursor)
            plain = self._cipher.decrypt(sealed, [self._bound_to(parent)])
        except (ValueError, InvalidTag) as error:
            raise invalid_parameter(
                CURSOR,
                "is not a cursor of this list: it is incomplete or changed, of another path, or"
                " made by a service with another secret; leave it out to begin anew",
            ) from error
        array: list[Any] = _decode(plain[: -plain[-1]])
        return array

    def _bound_to(self, parent: tuple[Any, ...]) -> bytes:
        return self._path + repr(parent).encode() if parent else self._path


def _from_text(cursor: str) -> bytes:
    """Return what is encrypted. Raises ``ValueError``."""
    if len(cursor) > LONGEST or not _ALPHABET.fullmatch(cursor):
        raise ValueError("not base64url")
    decoded = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    if not decoded.startswith(_VERSION):
        raise ValueError("an unknown version")
    return decoded[len(_VERSION) :]


def _tagged(key: Any) -> list[str]:
    """Return a key that MessagePack has no type of."""
    for name, type_, write in _TAGS:
        if isinstance(key, type_):
            return [name, write(key)]
    raise TypeError(f"no sort key is a {type(key).__name__}")


def _untagged(key: Any) -> Any:
    if not isinstance(key, list):
        return key
    name, text = key
    return _READERS[name](text)
