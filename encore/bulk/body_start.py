"""The start of a body: whether it is an array, before anything else decides about the request."""

import codecs
from collections.abc import Sequence
from typing import Final

from starlette.types import Message, Receive, Scope

from encore.execution.subrequest import body_receive
from encore.http.form_body import FORM
from encore.http.media_types import get_content_type, parse_media_type
from encore.http.request_body import get_header, read_body

_WHITESPACE: Final = b" \t\r\n"
_CODING: Final = b"content-encoding"


async def begins_array(scope: Scope, receive: Receive, limit: int) -> tuple[bool, Scope, Receive]:
    """Return whether a body begins as a JSON array, and the request with its whole body.

    Args:
        scope: The request.
        receive: The channel of its body.
        limit: The largest body, in bytes.

    Raises:
        ApiError: A compressed body is too large, or cannot be decoded.
    """
    if get_header(scope, _CODING) is not None:
        body = await read_body(scope, receive, limit)
        headers = [pair for pair in scope["headers"] if pair[0] != _CODING]
        headers = [(n, v) for n, v in headers if n != b"content-length"]
        return _is_array(body), {**scope, "headers": headers}, body_receive(body)
    message = await receive()
    beginning: bytes = message.get("body", b"")
    received, size = [message], len(beginning)
    while not (start := _start(beginning)) and message.get("more_body", False) and size <= limit:
        message = await receive()
        received.append(message)
        part: bytes = message.get("body", b"")
        size += len(part)
        beginning = beginning + part if _is_part_of_mark(beginning) else part
    return start == b"[", scope, _replay(received, receive)


def is_form(scope: Scope) -> bool:
    """Return whether the body is a form, which may begin with a bracket."""
    content_type = get_content_type(scope)
    media_type = None if content_type is None else parse_media_type(content_type)
    return media_type is not None and media_type.name == FORM


def _is_array(body: bytes) -> bool:
    return _start(body) == b"["


def _is_part_of_mark(beginning: bytes) -> bool:
    """Return whether a byte order mark has begun and is not complete."""
    return len(beginning) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(beginning)


def _start(body: bytes) -> bytes:
    """Return the first character of a body; empty if there is none yet but whitespace."""
    if _is_part_of_mark(body):
        return b""
    return body.removeprefix(codecs.BOM_UTF8).lstrip(_WHITESPACE)[:1]


def _replay(received: Sequence[Message], receive: Receive) -> Receive:
    """Return a channel that begins with what was received already."""
    messages = iter(received)

    async def replay() -> Message:
        message = next(messages, None)
        return await receive() if message is None else message

    return replay
