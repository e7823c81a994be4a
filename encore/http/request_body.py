"""Reading a request's body: bounded, and JSON in the strict sense of RFC 8259.

What RFC 8259 leaves open is closed here: a member named twice, NaN and Infinity, lone surrogates
and endless nesting are refused, since two readers could see two different things in them.
"""

import asyncio
import codecs
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.types import Receive, Scope

from encore.errors import BadRequest, MalformedBody, PayloadTooLarge, UnsupportedMediaType
from encore.http.content_encoding import CHUNK_BYTES, content_decoder
from encore.http.media_types import get_content_type, parse_media_type

_MAX_GROWTH: Final = 200
"""How many times larger than itself a coded body may become; text becomes 5 to 50 times."""
_SMALL: Final = 1024 * 1024
"""What a coded body may become in any case, in bytes."""

JSON_TYPES: Final = ("application/json", "application/merge-patch+json")


def get_header(scope: Scope, name: bytes) -> bytes | None:
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
        PayloadTooLarge: It is longer, by its own account or in fact, coded or decoded.
        BadRequest: The client went away in the middle, or the coded body is broken.
        UnsupportedMediaType: Its content coding is not known.
    """
    chunks = [chunk async for chunk in read_chunks(scope, receive, limit)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_chunks(scope: Scope, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """Read the body piece by piece, as it comes, without its content coding.

    The limit holds for what comes and for what it decodes to; refusals are those of ``read_body``.
    """
    declared = get_header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    decoder = content_decoder(scope)
    size = yielded = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The request ended before its body did")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
        if decoder is None:
            yield chunk
            continue
        for piece in decoder.decode(chunk):
            yielded += len(piece)
            _check_growth(yielded, size, limit)
            yield piece
            if len(piece) == CHUNK_BYTES:  # A chunk may grow a thousandfold: others get their turn.
                await asyncio.sleep(0)
    if decoder is not None:
        decoder.finish()


def _check_growth(decoded: int, coded: int, limit: int) -> None:
    """Refuse a coded body that becomes too large, or was made to. Raises ``PayloadTooLarge``."""
    if decoded > limit:
        raise _too_large(limit)
    if decoded > max(_SMALL, coded * _MAX_GROWTH):
        raise PayloadTooLarge(f"The body may become at most {_MAX_GROWTH} times as large")


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body may hold at most {limit} bytes")


async def read_json(scope: Scope, receive: Receive, limit: int) -> Any:
    """Read any JSON value. Raises as ``read_json_object`` does, also where there is no body."""
    body = await read_body(scope, receive, limit)
    _check_media_type(get_content_type(scope))
    return decode(body.removeprefix(codecs.BOM_UTF8))  # RFC 8259, section 8.1.


async def read_json_object(scope: Scope, receive: Receive, limit: int) -> dict[str, Any]:
    """Read a JSON object; no body at all is the empty object, as in Finale.

    Raises:
        UnsupportedMediaType: The body is said to be something else than JSON.
        MalformedBody: It is not a JSON object.
    """
    body = await read_body(scope, receive, limit)
    if not body:
        return {}
    _check_media_type(get_content_type(scope))
    return decode_object(body)


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises ``MalformedBody``."""
    value = decode(body.removeprefix(codecs.BOM_UTF8))  # RFC 8259, section 8.1.
    if not isinstance(value, dict):
        raise MalformedBody("The body must be a JSON object")
    return value


def _check_media_type(content_type: bytes | None) -> None:
    if content_type is None:
        return
    media_type = parse_media_type(content_type)
    if media_type is None or media_type.name not in JSON_TYPES or not media_type.is_utf8:
        raise UnsupportedMediaType(
            "The body must be application/json in UTF-8", headers={"Accept": "application/json"}
        )


class StrictJson:
    """A decoder that says, of whatever it reads, what is wrong and where.

    Args:
        what: What is read, as refusals call it: ``The body``.
        where: Where an error is, from ``json.JSONDecodeError``'s attributes.
    """

    def __init__(self, what: str, where: str) -> None:
        self._what = what
        self._where = where
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._unique, parse_constant=self._refuse_constant
        )

    def decode(self, data: bytes) -> Any:
        """Decode JSON. Raises ``MalformedBody``, saying where."""
        try:
            return self._decoder.decode(data.decode())
        except (ValueError, RecursionError) as error:
            raise self._refusal(error) from error

    def decode_at(self, text: str, start: int) -> tuple[Any, int]:
        """Decode the value that begins at ``start``; give it and where it ends.

        Raises:
            JSONDecodeError: It is no JSON, or not all of it is there yet.
            MalformedBody: It is what no more text could mend.
        """
        try:
            return self._decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: ValueError | RecursionError) -> MalformedBody:
        """Make the refusal of what could not be read."""
        match error:
            case json.JSONDecodeError():
                where = self._where.format(error)
                return MalformedBody(f"{self._what} is not JSON: {error.msg} at {where}")
            case UnicodeDecodeError():
                return MalformedBody(f"{self._what} is not UTF-8 at byte {error.start}")
            case RecursionError():
                return MalformedBody(f"{self._what} is nested too deeply")
            case _:  # Python's own limit on the digits of an integer.
                return MalformedBody(f"{self._what} holds a number with too many digits")

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise self._about_member(_first_repeated(pairs), "is given twice")
        if not "".join(members).isascii():
            for name in members:
                if _has_lone_surrogate(name):
                    raise self._about_member(name, "is not valid Unicode")
        return members

    def _about_member(self, name: str, text: str) -> MalformedBody:
        shown = name.encode(errors="replace").decode()[:100]
        message = f"{shown} {text}"
        errors = [{"field": shown, "message": message}]
        return MalformedBody(f"{self._what}'s member {message}", errors)

    def _refuse_constant(self, name: str) -> Any:
        raise MalformedBody(f"{self._what} is not JSON: {name} is not a JSON number")


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    """Return the first name that is given again."""
    seen: set[str] = set()
    return next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value] # None


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


decode = StrictJson("The body", "line {0.lineno}, column {0.colno}").decode
