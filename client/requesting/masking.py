"""Hiding secrets in what is shown of an exchange: headers, queries, and bodies."""

import re
from collections.abc import Sequence
from typing import Final

from client.requesting.messages import Header

MASK: Final = "***"

_SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"}
)
_NAMES: Final = (
    "access_token|refresh_token|id_token|token|client_secret|client_assertion|assertion|secret"
    "|password|passwd|api_key|apikey|device_code|code|code_verifier|subject_token|actor_token"
    "|authorization|private_key"
)
_JSON: Final = re.compile(
    rf'("(?:{_NAMES})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}}\]]+)', re.IGNORECASE
)
_FORM: Final = re.compile(rf"((?:^|[?&])(?:{_NAMES})=)([^&#\s]*)", re.IGNORECASE | re.MULTILINE)
_SCHEME: Final = re.compile(r"([A-Za-z-]+) .*", re.DOTALL)


def mask_headers(headers: Sequence[Header]) -> list[Header]:
    """Return headers whose secrets are hidden; the scheme of an authorization is kept."""
    return [(name, _mask_value(name, value)) for name, value in headers]


def mask_text(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a URL or a body, JSON or a form, whose secrets are hidden.

    Args:
        text: The text.
        secrets: Texts to hide wherever they are.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    return _FORM.sub(rf"\1{MASK}", _JSON.sub(rf'\1"{MASK}"', text))


def _mask_value(name: str, value: str) -> str:
    if name.lower() not in _SECRET_HEADERS:
        return mask_text(value)
    scheme = _SCHEME.fullmatch(value) if name.lower().endswith("authorization") else None
    return f"{scheme[1]} {MASK}" if scheme else MASK
