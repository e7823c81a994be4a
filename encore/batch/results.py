"""The results of a batch: the status, headers and body of each operation, as JSON.

::

    {"results": [
        {"id": "a", "status": 201, "headers": {"Location": "/parts/7"}, "body": {"id": 7}},
        {"status": 200, "headers": {}, "body": {"id": 7, "name": "Wheel"}}]}

JSON bodies are embedded as they are, without being parsed; other texts are strings. A response
without content has the body null.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from encore.batch.references import find_member, open_container
from encore.errors import NotAcceptable
from encore.execution.context import Response

MAX_RESULT_BYTES: Final = 32 * 1024 * 1024
"""The size that the bodies of all results may have together, in bytes."""

FIRST_ERROR: Final = 400
"""Statuses from here on are failures."""

_OF_TRANSFER: Final = frozenset((b"content-length", b"cache-control", b"connection"))
"""Headers that concern the transfer of a response, which the batch's own response has."""

_SPELLINGS: Final[Mapping[str, str]] = {"Etag": "ETag", "Www-Authenticate": "WWW-Authenticate"}
_WITHOUT_CONTENT: Final = (204, 304)
_NULL: Final = msgspec.Raw(b"null")
_RAW: Final = msgspec.json.Decoder(msgspec.Raw)


class Result:
    """The result of one operation.

    Args:
        id_: The id of the operation, if it has one.
        response: Its response.

    Attributes:
        status: The status.
        headers: The headers by name, spelt as in documents: ``ETag``.
        body: The JSON text of the body.
        size: The size of the body, in bytes.

    Raises:
        NotAcceptable: From the constructor: the body is not text.
    """

    __slots__ = ("_container", "body", "headers", "id", "size", "status")

    def __init__(self, id_: str | None, response: Response) -> None:
        self.id = id_
        self.status = response.status
        self.headers = _headers(response.headers)
        self.body = _body(response, self.headers.get("Content-Type", ""))
        self.size = memoryview(self.body).nbytes
        self._container: Any = None

    @property
    def is_failure(self) -> bool:
        """Whether the status is 4xx or 5xx."""
        return self.status >= FIRST_ERROR

    def member(self, members: tuple[str, ...]) -> bytes | None:
        """Return the JSON text of a member of the body; None if there is none."""
        if self._container is None:
            self._container = open_container(bytes(self.body))
        return find_member(self._container, members)

    def as_json(self) -> dict[str, Any]:
        """Return what the response of the batch has of this result."""
        result = {"status": self.status, "headers": self.headers, "body": self.body}
        return result if self.id is None else {"id": self.id, **result}


def encode_results(results: Sequence[Result]) -> bytes:
    """Return the body of a batch's response."""
    return msgspec.json.encode({"results": [result.as_json() for result in results]})


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, value in headers:
        if name.lower() not in _OF_TRANSFER:
            spelt, text = _spell(name), value.decode("latin-1")
            shown[spelt] = f"{shown[spelt]}, {text}" if spelt in shown else text
    return shown


@lru_cache(256)
def _spell(name: bytes) -> str:
    spelt = name.decode("latin-1").title()
    return _SPELLINGS.get(spelt, spelt)


def _body(response: Response, content_type: str) -> msgspec.Raw:
    body = response.body
    if not body or response.status in _WITHOUT_CONTENT:
        return _NULL
    if "json" in content_type and (body.isascii() or _is_text(body)):
        try:
            return _RAW.decode(body)
        except (msgspec.DecodeError, RecursionError):
            pass  # A hook may call any text JSON.
    try:
        return msgspec.Raw(msgspec.json.encode(body.decode()))
    except UnicodeDecodeError as error:
        raise NotAcceptable("The response is not text: send the operation by itself") from error


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
