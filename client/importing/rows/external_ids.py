"""External ids: what identifies a row permanently, either given in the row or derived from it.

The API stores one entry for each ``source`` and ``external_id``. Where the external system has no
id, one is derived from the cells that say whose, when and what (see ``raw_keys``), and from the
number of rows before it with the same cells, so the same file has the same ids however often it is
read, and with whatever mapping.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from client.importing.rows.hash_counter import HashCounter
from client.importing.rows.row_error import RowError

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_entry(entry: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """Return an entry or a key as JSON, the same for the same content.

    Raises:
        RowError: It contains what JSON cannot represent, such as half of a surrogate pair.
    """
    try:
        return _ENCODER.encode(entry)
    except (ValueError, OverflowError, RecursionError) as error:
        raise RowError("contains a string or a number that JSON cannot represent") from error


class ExternalIds:
    """Sets the natural key of each entry of one reading of the source.

    Args:
        source: The external system's name, for rows without one.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen = HashCounter()

    def assign(self, entry: dict[str, Any], read_key: Callable[[], Sequence[Any]]) -> bool:
        """Set ``source`` and ``external_id`` of an entry, unless the row has them.

        Args:
            entry: In our names.
            read_key: Returns the cells that identify the row if it has no id.

        Returns:
            Whether the id is derived.

        Raises:
            RowError: An earlier row had the same id.
        """
        source = entry.setdefault("source", self._source)
        external_id = entry.get("external_id")
        if not external_id:
            digest = sha256(encode_entry([source, *read_key()]))
            digest.update(b"%d" % self._seen.add_digest(digest.digest()))
            entry["external_id"] = digest.hexdigest()
            return True
        digest = sha256(encode_entry({"key": [source, external_id]}))
        if self._seen.add_digest(digest.digest()):
            raise RowError(f"duplicate external_id {external_id!r}: an earlier row has it")
        return False
