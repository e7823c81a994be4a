"""Bodies of HTML forms (``application/x-www-form-urlencoded``), parsed like Express does.

``author[id]=2`` is a member of an object, ``tags[]=a`` an item of an array, and a repeated name
means an array. All values are strings.
"""

import codecs
import re
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from encore.errors import MalformedBody, UnsupportedMediaType
from encore.http.media_types import get_content_type, parse_media_type
from encore.http.request_body import JSON_TYPES, decode_object, read_body

FORM: Final = "application/x-www-form-urlencoded"
_MAX_MEMBERS: Final = 1_000
_MAX_DEPTH: Final = 5
"""How many brackets a name may have; both limits are those of Express."""
_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
_SHOWN_CHARACTERS: Final = 100

Tree = dict[str, Any]


async def read_json_or_form(scope: Scope, receive: Receive, limit: int) -> dict[str, Any]:
    """Read a JSON object or a form; an empty body is the empty object.

    Raises:
        UnsupportedMediaType: ``Content-Type`` is neither of them.
        MalformedBody: The body does not match its ``Content-Type``.
    """
    body = await read_body(scope, receive, limit)
    if not body:
        return {}
    content_type = get_content_type(scope)
    media_type = None if content_type is None else parse_media_type(content_type)
    if content_type is not None:
        supported = (*JSON_TYPES, FORM)
        if media_type is None or media_type.name not in supported or not media_type.is_utf8:
            raise UnsupportedMediaType(
                f"The body must be application/json or {FORM}, in UTF-8",
                headers={"Accept": f"application/json, {FORM}"},
            )
    if media_type is not None and media_type.name == FORM:
        return parse_form(body)
    return decode_object(body)


def parse_form(body: bytes) -> dict[str, Any]:
    """Parse a form.

    Raises:
        MalformedBody: It is not percent-encoded UTF-8, has too many members, is nested too deeply,
            has a member that is both a string and an object, or has unbalanced brackets.
    """
    try:
        pairs = parse_qsl(
            body.removeprefix(codecs.BOM_UTF8).decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_MEMBERS,
        )
    except UnicodeError as error:
        raise MalformedBody("The body must be percent-encoded UTF-8") from error
    except ValueError as error:
        raise MalformedBody(f"The body may hold at most {_MAX_MEMBERS} members") from error
    tree: Tree = {}
    for name, value in pairs:
        _insert(tree, name, value)
    return {name: _to_json(value) for name, value in tree.items()}


def _insert(tree: Tree, name: str, value: str) -> None:
    """Insert a value at the path that its name denotes."""
    match = _NAME.fullmatch(name)
    if match is None and "[" in name:
        raise _invalid_member(name, "must be a name such as author[id]")
    parts = [name] if match is None else [match[1], *_PART.findall(match[2])]
    if len(parts) > _MAX_DEPTH + 1:
        raise _invalid_member(name, "is nested too deeply")
    node = tree
    for part in parts[:-1]:
        child = node.setdefault(_key(node, part), {})
        if not isinstance(child, dict):
            raise _invalid_member(name, "is both a string and an object")
        node = child
    key = _key(node, parts[-1])
    present = node.get(key)
    if isinstance(present, str):
        node[key] = {"0": present, "1": value}
    elif present is None:
        node[key] = value
    elif next(iter(present)).isdigit():  # An array so far: its first key suffices to know.
        present[_key(present, "")] = value
    else:
        raise _invalid_member(name, "is both a string and an object")


def _key(node: Tree, part: str) -> str:
    """Return the key of a part of a name; an empty part means the next item of an array."""
    index = len(node)
    while not part and str(index) in node:
        index += 1
    return part or str(index)


def _is_array(node: Tree) -> bool:
    return all(key.isascii() and key.isdigit() for key in node)


def _to_json(value: Any) -> Any:
    """Return a string, an object, or an array if all keys are integers."""
    if isinstance(value, str):
        return value
    if _is_array(value):
        return [_to_json(value[key]) for key in sorted(value, key=lambda key: (len(key), key))]
    return {name: _to_json(inner) for name, inner in value.items()}


def _invalid_member(name: str, message: str) -> MalformedBody:
    return MalformedBody(f"The body's member {name[:_SHOWN_CHARACTERS]} {message}")
