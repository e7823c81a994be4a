"""References from one operation of a batch to the results of earlier ones.

A reference is ``id.member``, or ``id.member.member``: the operation's id and the path of a member
in the body of its response; the items of an array are numbered from 0. It is written as a whole
path segment, ``/parts/{a.id}``, or in a body as an object with the single member ``$ref``:
``{"$ref": "a.id"}``. Nothing else of a path or a body is searched. In a body one ``$`` is removed
from the member names ``$$ref``, ``$$$ref`` and so on, so that every JSON value can be written.

Values are spliced into bodies as the text that the operation returned: no number is rounded.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from encore.errors import PayloadTooLarge

REF: Final = "$ref"

_ESCAPED_REF: Final = re.compile(r"\$\$+ref")
_REFERENCE: Final = re.compile(r"([^.{}]+)((?:\.[^.{}]+)+)")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_MAX_CHARACTERS: Final = 256
_SHOWN: Final = 100
"""How much of a member's name errors show, in characters."""
_LITERAL_SEGMENT: Final = re.compile(r"[!-~]*")
_ESCAPE: Final = f"write ${REF} for a member called {REF}"

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])


class InvalidReference(ValueError):
    """A reference, a path or a body is invalid.

    Args:
        field: Where it is, below the operation: ``path``, ``body.parts[2].id``.
        requirement: What is wrong with it.
    """

    def __init__(self, field: str, requirement: str) -> None:
        super().__init__(requirement)
        self.field = field
        self.requirement = requirement


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a member of an earlier result.

    Attributes:
        operation: The id of the operation.
        members: The path of the member in the body of its response.
        field: Where the reference is, below its own operation.
    """

    operation: str
    members: tuple[str, ...]
    field: str

    def __str__(self) -> str:
        return ".".join((self.operation, *self.members))


Resolve = Callable[[Reference], bytes]
"""Returns the JSON text of the value that a reference names."""


def parse_reference(text: str, field: str) -> Reference:
    """Parse ``a.id``. Raises ``InvalidReference``."""
    match = _REFERENCE.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None or not _is_unicode(text):
        raise InvalidReference(field, "must name an operation and a member of its result: a.id")
    return Reference(match[1], tuple(match[2][1:].split(".")), field)


def _is_unicode(text: str) -> bool:
    """Return whether a string has no lone surrogates, which JSON can escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A path whose segments may be references.

    Attributes:
        segments: The segments: percent-encoded, or references.
        text: The percent-encoded path, if it has no references.
    """

    segments: tuple[str | Reference, ...]
    text: str | None

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in the path."""
        return tuple(part for part in self.segments if isinstance(part, Reference))

    def resolve(self, resolve: Resolve) -> str:
        """Return the percent-encoded path. Raises ``InvalidReference``."""
        if self.text is not None:
            return self.text
        return "/".join(
            _path_segment(part, resolve(part)) if isinstance(part, Reference) else part
            for part in self.segments
        )


def parse_path(path: str, field: str = "path") -> tuple[PathTemplate, bytes]:
    """Parse a path with an optional query; return the path and the query.

    Raises:
        InvalidReference: It is not a path, or a segment is not a reference.
    """
    path, _, query = path.partition("?")
    if not path.startswith("/"):
        raise InvalidReference(field, "must be a path that begins with /")
    if "{" in query or "}" in query:
        raise InvalidReference(field, "must have references in the path only, not in the query")
    segments = tuple(_parse_segment(segment, field) for segment in path.split("/"))
    _check_characters(query, field)
    is_literal = all(isinstance(segment, str) for segment in segments)
    return PathTemplate(segments, path if is_literal else None), query.encode()


def _parse_segment(segment: str, field: str) -> str | Reference:
    if segment[:1] == "{" and segment[-1:] == "}":
        return parse_reference(segment[1:-1], field)
    if "{" in segment or "}" in segment:
        raise InvalidReference(field, "must have references as whole segments: /parts/{a.id}")
    _check_characters(segment, field)
    return segment


def _check_characters(text: str, field: str) -> None:
    if "#" in text or not _LITERAL_SEGMENT.fullmatch(text):
        raise InvalidReference(field, "must be percent-encoded as in a URL")


def decode_path(path: str) -> str:
    """Return a percent-encoded path as servers decode it."""
    return unquote(path) if "%" in path else path


def _path_segment(reference: Reference, value: bytes) -> str:
    """Return a value as a path segment, percent-encoded."""
    kind = value[:1]
    if kind == b'"':
        try:
            text: str = msgspec.json.decode(value)
            segment = quote(text, safe="")
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise _unusable(reference, "is not valid Unicode") from None
        if not segment:
            raise _unusable(reference, "is an empty string")
        return segment
    if kind in (b"{", b"[", b"n"):
        names = {b"{": "an object", b"[": "an array", b"n": "null"}
        raise _unusable(reference, f"is {names[kind]}")
    return quote(value, safe="")


def _unusable(reference: Reference, problem: str) -> InvalidReference:
    return InvalidReference(
        reference.field,
        f"refers to {reference}, which {problem}: a path needs a string or a number",
    )


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A body whose values may be references.

    Attributes:
        parts: The JSON text, in parts between the references.
    """

    parts: tuple[bytes | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in the body."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def resolve(self, resolve: Resolve, limit: int) -> bytes:
        """Return the JSON text.

        Args:
            resolve: Returns the text of a reference.
            limit: The maximum size, in bytes: a few references may name a large value often.

        Raises:
            InvalidReference: A reference is invalid.
            PayloadTooLarge: The text exceeds the limit.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], bytes):
            return self.parts[0]
        written = bytearray()
        for part in self.parts:
            written += resolve(part) if isinstance(part, Reference) else part
            if len(written) > limit:
                raise PayloadTooLarge(f"The body may hold at most {limit} bytes")
        return bytes(written)


def parse_body(raw: bytes, field: str = "body") -> BodyTemplate:
    """Find the references in the JSON text of a body.

    Args:
        raw: JSON.
        field: The name of the body, for errors.

    Raises:
        InvalidReference: A reference is malformed, or the body is nested too deeply.
    """
    if not _may_refer(raw):
        return BodyTemplate((raw,))
    parts: list[bytes | Reference] = []
    try:
        _collect(raw, field, parts)
    except RecursionError:
        raise InvalidReference(field, "is nested too deeply") from None
    except msgspec.DecodeError:
        raise InvalidReference(field, "has a string that is not valid Unicode") from None
    return BodyTemplate(tuple(parts))


def _may_refer(raw: bytes) -> bool:
    r"""Return whether a text may have the name ``$ref``, which may be written with ``\u0024``."""
    return b"$ref" in raw or b"\\u" in raw


def _collect(raw: bytes, field: str, parts: list[bytes | Reference]) -> None:
    kind = raw[:1]
    if kind not in (b"{", b"[") or not _may_refer(raw):
        parts.append(raw)
    elif kind == b"[":
        parts.append(b"[")
        for position, item in enumerate(_ARRAY.decode(raw)):
            if position:
                parts.append(b",")
            _collect(bytes(item), f"{field}[{position}]", parts)
        parts.append(b"]")
    else:
        _collect_object(_OBJECT.decode(raw), field, parts)


def _collect_object(
    members: dict[str, msgspec.Raw], field: str, parts: list[bytes | Reference]
) -> None:
    if REF in members:
        if len(members) > 1:
            message = f"must be the only member of its object; {_ESCAPE}"
            raise InvalidReference(f"{field}.{REF}", message)
        parts.append(_parse_ref(members[REF], field))
        return
    names: set[str] = set()
    for name, value in members.items():
        written = name[1:] if _ESCAPED_REF.fullmatch(name) else name
        parts.append((b"," if names else b"{") + msgspec.json.encode(written) + b":")
        names.add(written)
        _collect(bytes(value), f"{field}.{name[:_SHOWN]}", parts)
    parts.append(b"}" if names else b"{}")


def _parse_ref(value: msgspec.Raw, field: str) -> Reference:
    target: Any = msgspec.json.decode(value)
    if not isinstance(target, str):
        raise InvalidReference(f"{field}.{REF}", f"must be a string such as a.id; {_ESCAPE}")
    return parse_reference(target, field)


def find_member(container: Any, members: tuple[str, ...]) -> bytes | None:
    """Return the JSON text of a member; None if there is none.

    Args:
        container: The members of an object, or the items of an array, as raw JSON
            (``open_container``).
        members: The path of the member.
    """
    raw: msgspec.Raw | None = None
    for name in members:
        if raw is not None:
            container = open_container(bytes(raw))
        if isinstance(container, dict):
            raw = container.get(name)
        elif isinstance(container, list) and _INDEX.fullmatch(name):
            raw = container[int(name)] if int(name) < len(container) else None
        else:
            return None
        if raw is None:
            return None
    return None if raw is None else bytes(raw)


def open_container(raw: bytes) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    """Return the members of an object or the items of an array; None for other values."""
    match raw[:1]:
        case b"{":
            return _OBJECT.decode(raw)
        case b"[":
            return _ARRAY.decode(raw)
        case _:
            return None
