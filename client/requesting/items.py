r"""Items of a request, as httpie writes them: members of the body, query parameters, headers.

=================== =======================================================
``name=text``       a member of the body, a string
``name:=json``      a member of the body, any JSON
``name=@file``      a string, the text of a file
``name:=@file``     any JSON, of a file
``name[sub]=text``  a member of an object; ``name[]=text`` adds to an array
``name==text``      a query parameter
``Name:value``      a header
=================== =======================================================

The first separator counts; ``\`` before one makes it part of the name. httpie's other items are
refused: ``name@file`` (forms), ``Name:`` (removes a header), ``Name;``, and headers and parameters
from files.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from client.requesting.files import read_text_file
from client.requesting.headers import parse_header
from client.requesting.messages import Header
from encore.client.errors import UsageError

_SEPARATORS: Final = (":=@", "==@", "=@", ":@", ":=", "==", "=", ":", "@")
"""The longest first, of those that begin alike."""

_NAME: Final = re.compile(r"((?:[^\[\]\\]|\\.)+)((?:\[(?:[^\[\]\\]|\\.)*\])*)", re.DOTALL)
_PART: Final = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]", re.DOTALL)
_REFUSED: Final = {
    "==@": "query parameters are not read from files: write NAME==TEXT",
    ":@": "headers are not read from files: write NAME:VALUE",
    "@": "this API accepts no forms: @FILE without a name sends the file as the body",
}

Path = tuple[str | None, ...]
"""The names of a member from the outside in; None adds to an array."""


class Member(NamedTuple):
    """A member of the body."""

    item: str
    """The item's name, for messages."""
    path: Path
    value: str
    """JSON text, or a string if ``is_json`` is false."""
    is_json: bool


class Items(NamedTuple):
    """The items of a request."""

    members: tuple[Member, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[Header, ...] = ()


def is_item(raw: str) -> bool:
    """Return whether an argument that does not begin as JSON or a file does is an item."""
    found = _split(raw)
    return found is not None and bool(found[0])


def parse_items(arguments: Sequence[str]) -> Items:
    """Return what the items say.

    Args:
        arguments: Each of them an item.

    Raises:
        UsageError: An item is malformed or not supported, or its file cannot be read.
    """
    members: list[Member] = []
    query: list[tuple[str, str]] = []
    headers: list[Header] = []
    for raw in arguments:
        name, separator, value = _split(raw) or (raw, "", "")
        if separator in _REFUSED:
            raise UsageError(f"{_shown(name, separator)}...: {_REFUSED[separator]}.")
        if not name:
            raise UsageError(f"{separator}... has no name before it.")
        if separator == "==":
            query.append((_unescape(name), value))
        elif separator == ":":
            headers.append(parse_header(f"{_unescape(name)}:{value}"))
        else:
            members.append(_parse_member(name, separator, value))
    return Items(tuple(members), tuple(query), tuple(headers))


def _parse_member(name: str, separator: str, value: str) -> Member:
    item = _shown(name, separator)
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(f"{item}...: brackets must be as in NAME[SUB] or NAME[].")
    parts = [_unescape(part) or None for part in _PART.findall(match[2])]
    for part in parts:
        if part is not None and part.isdigit():
            raise UsageError(f"{item}...: [{part}] is not supported; NAME[] adds to an array.")
    if separator.endswith("@"):
        hint = f" For a text that begins with @, write {name}:='\"@...\"'."
        value = read_text_file(value, hint if separator == "=@" else "")
    return Member(item, (_unescape(match[1]), *parts), value, is_json=separator[0] == ":")


def _split(raw: str) -> tuple[str, str, str] | None:
    """Return name, separator and value of an item; None if it has no separator."""
    position = 0
    while position < len(raw):
        if raw[position] == "\\":
            position += 2
            continue
        for separator in _SEPARATORS:
            if raw.startswith(separator, position):
                return raw[:position], separator, raw[position + len(separator) :]
        position += 1
    return None


def _unescape(name: str) -> str:
    return re.sub(r"\\([:=@\[\]\\;])", r"\1", name)


def _shown(name: str, separator: str) -> str:
    """Return the beginning of an item, without its value, which may be secret."""
    return f"{name[:40]}{separator}"
