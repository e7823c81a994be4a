"""The bearer credential of one request, out of its headers and query.

Owns the grammar of RFC 6750 section 2.1 (``"Bearer" 1*SP b64token``, the scheme in any case) and
the rule of section 2 that a token is sent in one way only. Whether the credential is worth
anything is left to the verifier. The request body is never looked at.
"""

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from encore.auth import challenges
from encore.auth.jws import MAX_TOKEN_BYTES

_SCHEME = b"bearer"
_B64TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
# What may go on with a scheme's name, RFC 9110 5.6.2: "Bearerish x" is another scheme.
_TCHAR = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# Blanks between scheme and token; beyond that a value over the token's limit is not even scanned.
_SLACK_BYTES = 64


def extract_bearer_token(headers: Iterable[tuple[bytes, bytes]], query_string: bytes) -> bytes:
    """Give the token text, well-formed as a b64token but not yet believed.

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
    # As in the seed, whose `!authorization` takes an empty header for none.
    if value is None or not (value := value.strip(b" \t")):
        raise challenges.no_credentials(challenges.NO_HEADER, "no-authorization-header")
    if value[: len(_SCHEME)].lower() != _SCHEME or not _TCHAR.isdisjoint(value[6:7]):
        raise challenges.no_credentials(challenges.NOT_BEARER, "other-scheme")
    # Servers hand over headers of megabytes; such a one is refused before it is read.
    if len(value) > MAX_TOKEN_BYTES + _SLACK_BYTES:
        raise challenges.invalid_token("token-too-large", challenges.NOT_PARSED)
    token = value[len(_SCHEME) :].lstrip(b" ")
    body = token.rstrip(b"=")
    # What is left without the allowed octets is foreign; a third of a regular expression's time.
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
    """Tell whether the query has a parameter ``access_token`` (RFC 6750 2.3), however encoded."""
    if b"access_token" not in query_string and b"%" not in query_string:
        return False
    names = (pair.partition(b"=")[0] for pair in query_string.split(b"&"))
    return any(unquote_to_bytes(name) == b"access_token" for name in names)
