"""Bodies of HTML forms (``application/x-www-form-urlencoded``), read as Express reads them.

``author[id]=2`` is a member of an object, ``tags[]=a`` an item of an array, and a name that is
repeated means an array. All values are text.
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
_MOST_MEMBERS: Final = 1_000
_DEEPEST: Final = 5
"""How many brackets a name may have; both limits are those of Express."""
_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
_SHOWN: Final = 100

Tree = dict[str, Any]


async def read_json_or_form(scope: Scope, receive: Receive, limit: int) -> dict[str, Any]:
    """Read a JSON object or a form; no body at all is the empty object.

    Raises:
        UnsupportedMediaType: The body is said to be neither.
        MalformedBody: It is not what it is said to be.
    """
    body = await read_body(scope, receive, limit)
    if not body:
        return {}
    content_type = get_content_type(scope)
    media_type = None if content_type is None else parse_media_type(content_type)
    if content_type is not None:
        known = (*JSON_TYPES, FORM)
        if media_type is None or media_type.name not in known or not media_type.is_utf8:
            accepted = f"application/json or {FORM}"
            raise UnsupportedMediaType(
                f"The body must be {accepted}, in UTF-8",
                headers={"Accept": f"application/json, {FORM}"},
            )
    if media_type is not None and media_type.name == FORM:
        return parse_form(body)
    return decode_object(body)


def parse_form(body: bytes) -> dict[str, Any]:
    """Parse a form.

    Raises:
        MalformedBody: It is not percent-encoded UTF-8, has too many members, nests too deeply,
            gives a member as text and as an object, or has a bracket too many or too few.
    """
    try:
        pairs = parse_qsl(
            body.removeprefix(codecs.BOM_UTF8).decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_MEMBERS,
        )
    except UnicodeError as error:
        raise MalformedBody("The body must be percent-encoded UTF-8") from error
    except ValueError as error:
        raise MalformedBody(f"The body may hold at most {_MOST_MEMBERS} members") from error
    tree: Tree = {}
    for name, text in pairs:
        _insert(tree, name, text)
    return {name: _plain(value) for name, value in tree.items()}


def _insert(tree: Tree, name: str, text: str) -> None:
    """Put a value where its name says."""
    found = _NAME.fullmatch(name)
    if found is None and "[" in name:
        raise MalformedBody(f"The body's member {name[:_SHOWN]} is not a name such as author[id]")
    parts = [name] if found is None else [found[1], *_PART.findall(found[2])]
    if len(parts) > _DEEPEST + 1:
        raise MalformedBody(f"The body's member {name[:_SHOWN]} is nested too deeply")
    node = tree
    for part in parts[:-1]:
        below = node.setdefault(_place(node, part), {})
        if not isinstance(below, dict):
            raise _contradicts(name)
        node = below
    last = _place(node, parts[-1])
    present = node.get(last)
    if isinstance(present, str):
        node[last] = {"0": present, "1": text}
    elif present is None:
        node[last] = text
    elif next(iter(present)).isdigit():  # An array so far; one look suffices.
        present[_place(present, "")] = text
    else:
        raise _contradicts(name)


def _place(node: Tree, part: str) -> str:
    """Return the key that a part of a name means; an empty one is the next item."""
    place = len(node)
    while not part and str(place) in node:
        place += 1
    return part or str(place)


def _is_array(node: Tree) -> bool:
    return all(key.isascii() and key.isdigit() for key in node)


def _plain(value: Any) -> Any:
    """Return text, an object, or an array where all keys are numbers."""
    if isinstance(value, str):
        return value
    if _is_array(value):
        return [_plain(value[key]) for key in sorted(value, key=lambda key: (len(key), key))]
    return {name: _plain(inner) for name, inner in value.items()}


def _contradicts(name: str) -> MalformedBody:
    return MalformedBody(f"The body's member {name[:_SHOWN]} is given as text and as an object")
