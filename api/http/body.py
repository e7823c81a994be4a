"""Reading a request's body: bounded, and JSON in the strict sense of RFC 8259.

What RFC 8259 leaves open is closed here: a member named twice, NaN and Infinity, lone surrogates
and endless nesting are refused, since two readers could see two different things in them.
"""

import json
from typing import Any

from starlette.types import Receive, Scope

from api.errors import BadRequest, MalformedBody, PayloadTooLarge, UnsupportedMediaType

_JSON_TYPES = (b"application/json", b"application/merge-patch+json")


def header(scope: Scope, name: bytes) -> bytes | None:
    """Give the first header of this name, in lower case; None if there is none."""
    for key, value in scope["headers"]:
        if key == name:
            content: bytes = value
            return content
    return None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body.

    Args:
        scope: The request.
        receive: Its channel.
        limit: The most it may hold, in bytes.

    Raises:
        PayloadTooLarge: It is longer, by its own account or in fact.
        BadRequest: The client went away in the middle.
    """
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The request ended before its body did")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body may hold at most {limit} bytes")


async def read_json_object(scope: Scope, receive: Receive, limit: int) -> dict[str, Any]:
    """Read a JSON object; no body at all is the empty object, as in Finale.

    Raises:
        UnsupportedMediaType: The body is said to be something else than JSON.
        MalformedBody: It is not a JSON object.
    """
    body = await read_body(scope, receive, limit)
    if not body:
        return {}
    _check_media_type(header(scope, b"content-type"))
    value = decode(body)
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object")
    return value


def _check_media_type(content_type: bytes | None) -> None:
    if content_type is None:
        return
    media_type, _, parameters = content_type.partition(b";")
    charset = parameters.strip().lower().replace(b'"', b"")
    if media_type.strip().lower() not in _JSON_TYPES or charset not in (b"", b"charset=utf-8"):
        raise UnsupportedMediaType(
            "The body must be application/json in UTF-8", headers={"Accept": "application/json"}
        )


def decode(body: bytes) -> Any:
    """Decode JSON strictly. Raises ``MalformedBody``, saying where."""
    try:
        return _decoder.decode(body.decode())
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise MalformedBody("The body is nested too deeply") from error
    except ValueError as error:  # Python's own limit on the digits of an integer.
        raise MalformedBody("The body holds a number with too many digits") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise _about_member(next(n for n in members if names.count(n) > 1), "is given twice")
    for name in members:
        if not name.isascii() and _has_lone_surrogate(name):
            raise _about_member(name, "is not valid Unicode")
    return members


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _about_member(name: str, text: str) -> MalformedBody:
    shown = name.encode(errors="replace").decode()[:100]
    message = f"{shown} {text}"
    return MalformedBody(f"The body's member {message}", [{"field": shown, "message": message}])


def _no_constant(name: str) -> Any:
    raise MalformedBody(f"The body is not JSON: {name} is not a JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
