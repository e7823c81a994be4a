"""Streams in parts: ``multipart/mixed`` (RFC 2046), whose parts say where a client can continue.

The bodies of the parts, one after the other, are the same stream without parts. The headers of a
part are those of its rows: ``Content-Type`` (of CSV, ``header=present`` in the first part),
``Content-Length``, ``Content-Range``, and ``Link`` with the cursor after its last row, which the
last part has not. A client that was cut off continues after the last part that it has received.
"""

from secrets import token_hex
from typing import Final

from starlette.types import Scope

from encore.pages.content_range import content_range_without_total
from encore.pages.cursors import CursorCodec, CursorPayload
from encore.pages.links import link_header
from encore.query.filters import Pagination
from encore.query.page_parameters import CURSOR

MEDIA_TYPE: Final = "multipart/mixed"

_LINE: Final = "\r\n"


class PartEncoder:
    """Encodes the parts of one stream.

    Args:
        content_type: The content type of the rows.
    """

    def __init__(self, content_type: str) -> None:
        # Random: rows must not be able to contain it.
        self._boundary = token_hex(16)
        self._content_type = content_type
        self._parts = 0

    @property
    def boundary(self) -> str:
        """The boundary between the parts, without hyphens before it."""
        return self._boundary

    def encode(self, data: bytes, link: bytes | None, offset: int, rows: int) -> bytes:
        """Return a part.

        Args:
            data: Its body.
            link: The value of its ``Link``; None without one.
            offset: How many rows come before it.
            rows: How many rows it has.
        """
        content_type = self._content_type
        if self._parts:
            content_type = content_type.replace("header=present", "header=absent")
        lines = [
            f"--{self._boundary}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(data)}",
        ]
        if rows:
            lines.append(f"Content-Range: {content_range_without_total(offset, rows)}")
        if link is not None:
            lines.append(f"Link: {link.decode()}")
        self._parts += 1
        head = _LINE.join([*lines, _LINE]).encode()
        return b"".join([head, data, _LINE.encode()])

    def finish(self) -> bytes:
        """Return the closing delimiter: the stream is complete."""
        return f"--{self._boundary}--{_LINE}".encode()


def next_link(
    scope: Scope,
    pagination: Pagination | None,
    cursors: CursorCodec,
    payload: CursorPayload,
    parent: tuple[object, ...],
) -> bytes | None:
    """Return the ``Link`` to the rows after a part; None if no cursor can hold its position.

    Args:
        scope: The scope of the request.
        pagination: The pagination of its query.
        cursors: The cursor codec of the resource.
        payload: The position after the part, and how many rows come before that.
        parent: The key of the parent row of a nested list.
    """
    if pagination is None or pagination.query is None or not cursors.can_hold(payload.position):
        return None
    cursor = cursors.encode(payload, pagination.digest, parent)
    return link_header(scope, [("next", f"?{pagination.query}{CURSOR}={cursor}")])
