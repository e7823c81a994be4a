"""The body of a request: JSON, a file, standard input, or the members that items name."""

import json
from collections.abc import Sequence
from typing import Any, Final

from client.environment import Environment
from client.requesting.files import FileBody, open_file_body, read_file
from client.requesting.items import Member
from client.requesting.messages import is_json_type
from encore.client.errors import UsageError
from encore.client.strict_json import parse_json

JSON: Final = "application/json"
_MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}
"""Media types of files by suffix; any other file is JSON, unless a header says otherwise."""


class JsonText(str):
    """A JSON text, which is part of the body as it is: numbers keep their digits."""

    __slots__ = ()


def validate_json(raw: str) -> bytes:
    """Return JSON text encoded as UTF-8, otherwise unchanged.

    Raises:
        UsageError: It is not JSON (RFC 8259: no NaN, no Infinity) or not UTF-8.
    """
    try:
        # Numbers are not converted: only their syntax is checked, whatever their length.
        parse_json(raw, parse_int=str, parse_float=str)
        return raw.encode("utf-8")
    except ValueError as error:
        raise UsageError(f"JSON is malformed, nothing was sent: {error}.") from error


def read_body(raw: str, media_type: str, environment: Environment) -> tuple[Any, str]:
    """Return a body and its media type.

    Args:
        raw: ``-``, ``@FILE`` or JSON.
        media_type: What a header says; empty without one.
        environment: For standard input.

    Raises:
        UsageError: It cannot be read, or is not JSON although it should be.
    """
    if raw == "-":
        is_json = is_json_type(media_type or JSON)
        body = validate_json(_read_text(environment)) if is_json else _read_bytes(environment)
        return body, media_type or JSON
    if not raw.startswith("@"):
        if media_type and not is_json_type(media_type):
            return raw.encode("utf-8", "surrogateescape"), media_type
        return validate_json(raw), media_type or JSON
    path = raw[1:]
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    media_type = media_type or _MEDIA_TYPES.get(suffix, JSON)
    if not is_json_type(media_type):
        return open_file_body(path), media_type
    try:
        return validate_json(read_file(path).decode("utf-8-sig")), media_type
    except UnicodeDecodeError as error:
        raise UsageError(f"@{path} cannot be read: it is not UTF-8.") from error


def build_object(members: Sequence[Member]) -> bytes:
    """Return the JSON object that members of items make.

    Raises:
        UsageError: A value is not JSON, or a name is given twice.
    """
    root: dict[str, Any] = {}
    for member in members:
        _insert(root, member)
    try:
        return _render(root).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError("An item is not UTF-8, nothing was sent.") from error


def content_length(body: Any) -> int | None:
    """Return the length of a body that is not in memory."""
    return body.length if isinstance(body, FileBody) else None


def _insert(root: dict[str, Any], member: Member) -> None:
    """Add a member to the object, creating what it is in."""
    node: Any = root
    for name, following in zip(member.path, [*member.path[1:], ""], strict=True):
        leaf = following == ""
        new: Any = _leaf(member) if leaf else [] if following is None else {}
        if isinstance(node, list) and name is None:
            node.append(new)
            node = new
        elif isinstance(node, dict) and name is not None:
            if name in node and (leaf or type(node[name]) is not type(new)):
                raise UsageError(f"{member.item}... is given twice, or as two kinds of value.")
            node = node.setdefault(name, new)
        else:
            raise UsageError(f"{member.item}... is both an array and an object.")


def _leaf(member: Member) -> JsonText:
    if not member.is_json:
        return JsonText(json.dumps(member.value, ensure_ascii=False))
    try:
        parse_json(member.value, parse_int=str, parse_float=str)
    except ValueError as error:
        raise UsageError(
            f"{member.item}... is not JSON, nothing was sent: {error}."
            f" For text, write {member.item.rstrip(':=@')}=..."
        ) from error
    return JsonText(member.value.strip())


def _render(node: Any) -> str:
    if isinstance(node, dict):
        members = (f"{json.dumps(n, ensure_ascii=False)}: {_render(v)}" for n, v in node.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(_render, node)) + "]"
    return str(node)


def _read_text(environment: Environment) -> str:
    try:
        return environment.stdin.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"JSON cannot be read from stdin: {error}.") from error


def _read_bytes(environment: Environment) -> bytes:
    stdin = environment.stdin
    try:
        buffer = getattr(stdin, "buffer", None)
        return buffer.read() if buffer is not None else stdin.read().encode("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"The body cannot be read from stdin: {error}.") from error
