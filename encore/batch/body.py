"""The body of a batch: strict JSON, parsed into operations before anything is run.

::

    {"operations": [
        {"id": "a", "method": "POST", "path": "/parts", "body": {"name": "Wheel"}},
        {"method": "PATCH", "path": "/parts/{a.id}", "headers": {"If-Match": "..."}, "body": {}}],
     "atomic": true}

Everything that does not depend on results is checked here; each error names its operation:
``operations[1].headers.Accept``. The text of each body is kept as it was sent, so that an operation
reads the same bytes as in a request of its own.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from encore.batch.references import (
    BodyTemplate,
    InvalidReference,
    PathTemplate,
    Reference,
    parse_body,
    parse_path,
)
from encore.errors import MalformedBody
from encore.http.media_types import parse_media_type
from encore.http.request_body import JSON_TYPES, decode_json
from encore.http.request_state import Header
from encore.suggestions import most_similar
from encore.validation.body import INVALID, ValidationErrors

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADERS: Final[Mapping[str, str]] = {
    name.lower(): name
    for name in (
        "If-Match",
        "If-None-Match",
        "If-Modified-Since",
        "If-Unmodified-Since",
        "Prefer",
        "Content-Type",
    )
}
"""The headers that an operation may have."""

_MEMBERS: Final = ("operations", "atomic")
_OPERATION_MEMBERS: Final = ("id", "method", "path", "headers", "body")
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_SHOWN: Final = 100
"""How much of an unknown name is shown, in characters."""

_CONTENT_TYPE: Final = b"content-type"
_JSON_TYPE: Final[Header] = (_CONTENT_TYPE, b"application/json")


@dataclass(frozen=True, slots=True)
class BatchOperation:
    """One operation.

    Attributes:
        index: Its position in the batch, from 0.
        id: What references to its result begin with; None if there can be none.
        method: The HTTP method.
        path: The path.
        query: The query, percent-encoded.
        headers: Its headers, with names in lower case.
        body: The body; None without one.
    """

    index: int
    id: str | None
    method: str
    path: PathTemplate
    query: bytes
    headers: tuple[Header, ...]
    body: BodyTemplate | None

    @property
    def name(self) -> str:
        """What errors call it: ``operations[3]``."""
        return f"operations[{self.index}]"


@dataclass(frozen=True, slots=True)
class Batch:
    """A parsed batch.

    Attributes:
        operations: The operations, in order.
        is_atomic: Whether all run in one transaction.
    """

    operations: tuple[BatchOperation, ...]
    is_atomic: bool


class _RawOperation(msgspec.Struct):
    """The body of an operation, as it was sent."""

    body: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _RawBatch(msgspec.Struct):
    """The bodies of a batch."""

    operations: list[_RawOperation]


_RAW: Final = msgspec.json.Decoder(_RawBatch)


def parse_batch(data: bytes, max_operations: int) -> Batch:
    """Parse the body of a batch.

    Raises:
        MalformedBody: It is not a JSON object.
        ValidationFailed: It is not a batch; ``errors`` names each field.
    """
    data = data.removeprefix(codecs.BOM_UTF8)  # RFC 8259, section 8.1.
    value = decode_json(data)
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object")
    errors = ValidationErrors()
    _check_members(value, _MEMBERS, "", errors)
    is_atomic = value.get("atomic", True)
    if not isinstance(is_atomic, bool):
        errors.add("atomic", INVALID, "must be a boolean")
    given: Any = value.get("operations")
    _check_operations(given, max_operations, errors)
    errors.check()
    operations = tuple(_OperationParser(given, _decode_bodies(data), errors).parse())
    errors.check()
    return Batch(operations, is_atomic)


def _check_operations(given: Any, max_operations: int, errors: ValidationErrors) -> None:
    if not isinstance(given, list):
        errors.add("operations", INVALID, "must be an array")
    elif not given:
        errors.add("operations", INVALID, "must not be empty")
    elif len(given) > max_operations:
        errors.add("operations", INVALID, f"must have at most {max_operations} items")
    else:
        for index, operation in enumerate(given):
            if not isinstance(operation, dict):
                errors.add(f"operations[{index}]", INVALID, "must be an object")


def _decode_bodies(data: bytes) -> list[bytes | None]:
    """Return the text of each operation's body; None for those without one."""
    try:
        raw = _RAW.decode(data)
    except RecursionError as error:
        raise MalformedBody("The body is nested too deeply") from error
    except msgspec.DecodeError as error:  # A string has half of a surrogate pair.
        raise MalformedBody("The body has a string that is not valid Unicode") from error
    return [
        None if isinstance(operation.body, msgspec.UnsetType) else bytes(operation.body)
        for operation in raw.operations
    ]


def _check_members(
    given: Mapping[str, Any], known: tuple[str, ...], prefix: str, errors: ValidationErrors
) -> None:
    """Report members that do not exist."""
    for name in given:
        if name not in known and not errors.is_full:
            similar = most_similar(name, known)
            hint = f"; did you mean {similar}?" if similar else ""
            errors.add(f"{prefix}{name[:_SHOWN]}", INVALID, f"is not a member of this body{hint}")


class _OperationParser:
    """Parses the operations of one batch.

    Args:
        given: The decoded operations.
        bodies: The text of their bodies.
        errors: Collects the errors.
    """

    def __init__(
        self, given: list[dict[str, Any]], bodies: list[bytes | None], errors: ValidationErrors
    ) -> None:
        self._given = given
        self._bodies = bodies
        self._errors = errors
        self._ids: dict[str, int] = {}

    def parse(self) -> Iterator[BatchOperation]:
        """Yield the valid operations; add the errors of the others."""
        for index, given in enumerate(self._given):
            self._parse_id(index, given)
        for index, given in enumerate(self._given):
            if self._errors.is_full:
                return
            operation = self._parse_operation(index, given)
            if operation is not None:
                yield operation

    def _parse_id(self, index: int, given: Mapping[str, Any]) -> None:
        if "id" not in given:
            return
        id_, field = given["id"], f"operations[{index}].id"
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            requirement = "must be letters, digits, - and _, and begin with a letter or _"
            self._errors.add(field, INVALID, requirement)
        elif id_ in self._ids:
            self._errors.add(field, INVALID, "must be unique in the batch")
        else:
            self._ids[id_] = index

    def _parse_operation(self, index: int, given: dict[str, Any]) -> BatchOperation | None:
        name, errors = f"operations[{index}]", self._errors
        _check_members(given, _OPERATION_MEMBERS, f"{name}.", errors)
        method = given.get("method")
        if method not in METHODS:
            errors.add(f"{name}.method", INVALID, f"must be one of {', '.join(METHODS)}")
            return None
        headers = self._parse_headers(given.get("headers", {}), f"{name}.headers")
        try:
            path, query = self._parse_path(given)
            body = self._parse_body(index, method)
            for reference in (*path.references, *(body.references if body else ())):
                self._check_reference(reference, index)
        except InvalidReference as error:
            errors.add(f"{name}.{error.field}", INVALID, error.requirement)
            return None
        if body is not None and not any(key == _CONTENT_TYPE for key, _ in headers):
            headers = (*headers, _JSON_TYPE)
        return BatchOperation(index, given.get("id"), method, path, query, headers, body)

    @staticmethod
    def _parse_path(given: Mapping[str, Any]) -> tuple[PathTemplate, bytes]:
        path = given.get("path")
        if not isinstance(path, str):
            raise InvalidReference("path", "must be a string")
        return parse_path(path)

    def _parse_body(self, index: int, method: str) -> BodyTemplate | None:
        raw = self._bodies[index]
        if raw is None:
            return None
        if method == "GET":
            raise InvalidReference("body", "must not be given with GET")
        return parse_body(raw)

    def _check_reference(self, reference: Reference, index: int) -> None:
        position = self._ids.get(reference.operation)
        if position is None:
            problem = f"refers to {reference}, but no operation has the id {reference.operation}"
        elif position >= index:
            problem = f"refers to {reference}, but that operation is not an earlier one"
        else:
            return
        raise InvalidReference(reference.field, problem)

    def _parse_headers(self, given: Any, field: str) -> tuple[Header, ...]:
        if not isinstance(given, dict):
            self._errors.add(field, INVALID, "must be an object")
            return ()
        headers: dict[bytes, bytes] = {}
        for name, value in given.items():
            if self._errors.is_full:
                break
            key, problem = name.lower().encode(), _header_problem(name, value)
            if problem is None and key in headers:
                problem = "is given twice"
            if problem is not None:
                self._errors.add(f"{field}.{name[:_SHOWN]}", INVALID, problem)
            else:
                headers[key] = value.encode()
        return tuple(headers.items())


def _header_problem(name: str, value: Any) -> str | None:
    """Return what is wrong with a header of an operation; None if it is valid."""
    if name.lower() not in HEADERS:
        return (
            f"is not a header that an operation may have: those are {', '.join(HEADERS.values())}"
        )
    if not isinstance(value, str):
        return "must be a string"
    if not _HEADER_VALUE.fullmatch(value):
        return "must be printable ASCII"
    if name.lower() == "content-type":
        media_type = parse_media_type(value.encode())
        if media_type is None or media_type.name not in JSON_TYPES or not media_type.is_utf8:
            return f"must be one of {', '.join(JSON_TYPES)}"
    return None
