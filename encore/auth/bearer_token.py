"""The bearer token of a request, extracted from its headers.

Owns the grammar of RFC 6750 section 2.1 (``"Bearer" 1*SP b64token``, the scheme in any case) and
the rule of section 2 that a token must be sent in one way only. The verifier validates the token.
The request body is never read.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes

from encore.auth import challenges
from encore.auth.jws import MAX_TOKEN_BYTES

_SCHEME: Final = b"bearer"
_B64TOKEN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
# Characters of a scheme's name, RFC 9110 5.6.2: "Bearerish x" has another scheme.
_TCHAR: Final = frozenset(
    b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
# Room for spaces between scheme and token; a longer value is rejected without scanning it.
_MAX_SPACES: Final = 64


def extract_bearer_token(headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> bytes:
    """Return the token of a request, which is a well-formed b64token but not verified.

    Args:
        headers: ASGI headers, names in lower case.
        query_string: ASGI query string, still percent-encoded.

    Raises:
        Unauthorized: No credential, or one of another scheme.
        InvalidRequest: A malformed Bearer value, two headers, or a second token in the query.
    """
    value: bytes | None = None
    for name, content in headers:
        if name == b"authorization":
            if value is not None:
                raise challenges.invalid_request("two-authorization-headers")
            value = content
    # As in Okta's sample, whose `!authorization` treats an empty header like a missing one.
    if value is None or not (value := value.strip(b" \t")):
        raise challenges.no_credentials(challenges.NO_HEADER, "no-authorization-header")
    if value[: len(_SCHEME)].lower() != _SCHEME or not _TCHAR.isdisjoint(value[6:7]):
        raise challenges.no_credentials(challenges.NOT_BEARER, "other-scheme")
    # Servers pass on headers of megabytes; those are rejected before they are scanned.
    if len(value) > MAX_TOKEN_BYTES + _MAX_SPACES:
        raise challenges.invalid_token("token-too-large", challenges.NOT_PARSED)
    token = value[len(_SCHEME) :].lstrip(b" ")
    body = token.rstrip(b"=")
    # Deleting all valid characters leaves the invalid ones; a third of a regular expression's time.
    if (
        value[len(_SCHEME) : len(_SCHEME) + 1] != b" "
        or not body
        or body.translate(None, _B64TOKEN)
    ):
        raise challenges.invalid_request("malformed-bearer-value")
    if query_string and _holds_token(query_string):
        raise challenges.invalid_request("token-in-header-and-query")
    return token


def _holds_token(query_string: bytes) -> bool:
    """Return whether the query has a parameter ``access_token`` (RFC 6750 2.3), however encoded."""
    if b"access_token" not in query_string and b"%" not in query_string:
        return False
    names = (pair.partition(b"=")[0] for pair in query_string.split(b"&"))
    return any(unquote_to_bytes(name) == b"access_token" for name in names)
