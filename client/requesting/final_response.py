"""A response of ``http.client`` that is as strict as httpx is about what frames its body.

``http.client`` returns 103 (Early Hints) as if it was the response, reads to the end of the
connection if ``Content-Length`` is malformed, and believes the first of two lengths. Imported after
``client.requesting.loopback.import_http_client``.
"""

from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Final

_OK: Final = 200
_SWITCHING_PROTOCOLS: Final = 101


class FinalResponse(HTTPResponse):
    """The response after informational ones (RFC 9110 section 15.2)."""

    def begin(self) -> None:
        """Read the head of the response.

        Raises:
            HTTPException: It is malformed, or where the body ends is not clear.
        """
        super().begin()
        while self.status < _OK:
            if self.status == _SWITCHING_PROTOCOLS:
                raise HTTPException("the server switches protocols, which was not requested")
            self.headers = None  # type: ignore[assignment] # otherwise begin does nothing
            super().begin()
        _check_framing(self.headers)


def _check_framing(headers: HTTPMessage) -> None:
    """Raise ``HTTPException`` unless headers say clearly where the body ends (RFC 9112, 6.3)."""
    codings = headers.get_all("Transfer-Encoding", [])
    if codings and [coding.strip().lower() for coding in codings] != ["chunked"]:
        raise HTTPException("the response has a Transfer-Encoding other than chunked")
    raw = ",".join(headers.get_all("Content-Length", []))
    lengths = {length.strip() for length in raw.split(",")} if raw else set()
    if len(lengths) > 1:
        raise HTTPException("the response has conflicting Content-Length headers")
    if any(not (length.isascii() and length.isdigit()) for length in lengths):
        raise HTTPException("the response has a malformed Content-Length")
