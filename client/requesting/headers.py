"""Headers of the command line: ``--header NAME:VALUE`` and items ``NAME:VALUE``."""

import re
from collections.abc import Sequence
from typing import Final

from client.requesting.messages import Header
from encore.client.errors import UsageError

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_REFUSED: Final = {
    "authorization": "the client sets it; a token of your own is the setting TOKEN",
    "host": "it follows from the URL",
    "content-length": "it follows from the body",
    "transfer-encoding": "it follows from the body",
    "connection": "the client manages its connections",
    "accept-encoding": "the client decompresses responses itself",
    "expect": "the client does not wait for 100 Continue",
    "te": "the client reads no trailers",
    "trailer": "the client sends no trailers",
    "upgrade": "the client speaks HTTP/1.1 only",
}
"""Headers that would not do what they say, with the reason."""

_ONCE: Final = frozenset({"accept", "content-type", "idempotency-key", "user-agent"})


def parse_header(raw: str) -> Header:
    """Return name and value of ``NAME:VALUE``; blanks around the value are dropped.

    Raises:
        UsageError: It is malformed, or a header that the client sets itself.
    """
    name, separator, value = raw.partition(":")
    if not separator or not _NAME.fullmatch(name):
        raise UsageError("--header must be NAME:VALUE, with a name such as Prefer or If-Match.")
    value = value.strip(" \t")
    if not value:
        raise UsageError(f"{name}: has no value; headers cannot be removed or sent empty.")
    if not _VALUE.fullmatch(value):
        raise UsageError(f"{name}: the value must be printable ASCII, on one line.")
    if name.lower() in _REFUSED:
        raise UsageError(f"{name} cannot be set: {_REFUSED[name.lower()]}.")
    return name, value


def check_headers(headers: Sequence[Header]) -> None:
    """Raise ``UsageError`` if a header that has one value is given twice."""
    names = [name.lower() for name, _ in headers]
    for name, _ in headers:
        if name.lower() in _ONCE and names.count(name.lower()) > 1:
            raise UsageError(f"{name} is given twice.")
