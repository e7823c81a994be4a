"""Row versions: the part of an entity tag that changes with every write of the stored row.

A row with a ``version_id_col`` has its number. Any other row has a keyed digest of all its stored
columns, hidden ones included: without the key, a short hidden column could be found by comparing
digests of guesses. The key is derived from the service's secret, so that all workers, and the same
service after a restart, have the same versions.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final

import msgspec

from encore.database.statement import Row
from encore.models.fields import Field, Fields
from encore.secret_key import Secret

_PURPOSE: Final = "entity tags 1"
_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 12
"""96 bits: 16 characters of base64 without padding, and too many to find a row with a given tag."""

_ADDRESS: Final = re.compile(r"^<.* at 0x[0-9a-f]+>$")
_encode: Final = msgspec.msgpack.Encoder().encode


class KeyedDigest:
    """Makes keyed digests of bytes, as text that is allowed in entity tags.

    A digest is a part of SHA-256 over the key and the bytes: what is left out keeps the digest of
    longer bytes from being computed without the key.

    Args:
        secret: What the key is derived from.
        purpose: What the digests are for: those of different purposes differ.
    """

    def __init__(self, secret: Secret, purpose: str = _PURPOSE) -> None:
        self._secret = secret
        self._purpose = purpose
        self._key: bytes | None = None

    @property
    def ready(self) -> bool:
        """Whether the key is final; otherwise await ``prepare``."""
        if self._key is None and self._secret.loaded:  # As it is since the service has started.
            self._derive()
        return self._key is not None

    async def prepare(self) -> bool:
        """Load the key; return whether it is final. Await it before taking a connection."""
        if self._key is None:
            await self._secret.load()
        return self.ready

    def of(self, data: bytes) -> bytes:
        """Return the digest of bytes: 16 characters of base64.

        Until the key is final, it is one that is valid in this process only.
        """
        key = self._key or self._derive()
        return b2a_base64(sha256(key + data).digest()[:_DIGEST_BYTES])[:-1]

    def _derive(self) -> bytes:
        key = self._secret.derive(self._purpose, _KEY_BYTES)
        if self._secret.loaded:
            self._key = key
        return key


class RowVersions:
    """Returns the versions of the rows of one model.

    Args:
        fields: The fields of the model; rows have their columns in this order.
        digest: Makes the digests of rows without a version column.

    Attributes:
        counted: Whether a ``version_id_col`` is the version.
    """

    def __init__(self, fields: Fields, digest: KeyedDigest) -> None:
        self._digest = digest
        order = list(fields)
        column = fields.mapped.mapper.version_id_col
        version = [index for index, f in enumerate(order) if _stores(f, column)]
        self.counted = bool(version)
        self._version_index = version[0] if version else 0
        self._stored = _stored_values(order)
        self._are_whole = not fields.computed

    def of(self, row: Row) -> bytes:
        """Return the version of a stored row, as it stands before the dot of its entity tag."""
        if self.counted:
            return self._counted(row[self._version_index])
        values = row if self._are_whole and type(row) is tuple else self._stored(row)
        try:
            encoded = _encode(values)
        except Exception:  # noqa: BLE001 - see encode_values
            encoded = encode_values(values)
        return self._digest.of(encoded)

    def digest_rows(self, rows: Sequence[Row], others: object = None) -> bytes:
        """Return a digest of the stored columns of several rows, and of other values."""
        if not (self._are_whole and rows and type(rows[0]) is tuple):  # Those of SQLite are.
            rows = [*map(self._stored, rows)]
        return self._digest.of(encode_values((rows, others)))

    def _counted(self, version: Any) -> bytes:
        if type(version) is int:
            return b"%d" % version
        # A version of another type, or a stored value that does not fit: it may contain anything.
        return self._digest.of(encode_values(version))


def _stores(field: Field, column: object) -> bool:
    return column is not None and not field.computed and field.column is column


def _stored_values(fields: list[Field]) -> Callable[[Row], Any]:
    """Return the function that returns the stored values of a row, without computed ones."""
    stored = [index for index, field in enumerate(fields) if not field.computed]
    if len(stored) == len(fields):
        return lambda row: row if type(row) is tuple else tuple(row)
    if len(stored) == 1:
        return lambda row: (row[stored[0]],)
    return itemgetter(*stored)


def encode_values(values: Any) -> bytes:
    """Return bytes that are equal for equal values, in every process, and different for others."""
    try:
        return _encode(values)
    except Exception:  # noqa: BLE001 - drivers return any type, and custom types any value
        return _encode(_plain(values))


def _plain(value: Any) -> Any:
    """Return a value as MessagePack can hold it, tagged with its type."""
    type_ = type(value)
    if value is None or type_ in (bool, float, bytes):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return ["mapping", *sorted(([_plain(k), _plain(v)] for k, v in value.items()), key=repr)]
    if isinstance(value, set | frozenset):
        return [type_.__name__, *sorted(map(_plain, value), key=repr)]
    text = str(value) if isinstance(value, str) else repr(value)
    if _ADDRESS.search(text):  # The default of objects, which differs between processes.
        return [type_.__name__, _plain(vars(value)) if hasattr(value, "__dict__") else None]
    return [type_.__name__, text.encode(errors="surrogatepass")]
