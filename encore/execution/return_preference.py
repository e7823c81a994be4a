"""The preference ``return`` of a write (RFC 7240, section 4.2).

``return=minimal``: the response has no body; it is 204, or 201 with ``Location`` for a new row.
``return=representation`` is what responses contain anyway. ``Preference-Applied`` says which was
applied. A body that hooks have made is sent whatever the caller prefers.
"""

from typing import Final

from encore.execution.context import Context
from encore.http.prefer_header import MINIMAL, preferred_return
from encore.serializers.stored_text import HEADER

_OF_BODIES: Final = (b"content-type", b"content-location", HEADER)
"""The headers that describe a body."""

_OK: Final = 200
_NO_CONTENT: Final = 204


def apply_return_preference(context: Context) -> None:
    """Apply the preference to the response that the action itself has made, if there is one."""
    preferred = preferred_return(context.scope)
    if preferred is None or context.representation is None:
        return
    if context.body is not context.representation:  # A hook has made another one.
        return
    headers = [*context.headers, (b"preference-applied", f"return={preferred}".encode())]
    if preferred == MINIMAL:
        headers = [pair for pair in headers if pair[0].lower() not in _OF_BODIES]
        context.body = b""
        if context.status == _OK:
            context.status = _NO_CONTENT
    context.headers = headers
