"""Hiding secrets in texts of servers, which may repeat what was sent, as it was encoded."""

import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, plain or as forms, URLs and JSON spell them."""
    for secret in filter(None, secrets):
        for spelling in sorted(set(_spellings(secret)), key=len, reverse=True):
            text = text.replace(spelling, MASK)
    return text


def basic_credentials(user: str, password: str) -> str:
    """Return what ``Authorization: Basic`` has (RFC 7617), from which the password can be read."""
    raw = f"{user}:{password}".encode("utf-8", "surrogateescape")
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
