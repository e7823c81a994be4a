"""The requested URL: absolute, below ``API_URL``, or on this machine as httpie writes it.

=========================== ================================================
``http://…``, ``https://…`` as it is
``parts``, ``/parts``       below API_URL, which may have a path; ``./token``
                            if the first word is that of a command
``?count=5``                API_URL with a query
``:3000/parts``, ``:/parts`` ``http://localhost:3000/parts``
``localhost:3000/parts``    ``http://``, for names and addresses of this machine
=========================== ================================================

Anything else is refused: a host of another machine without a scheme, ``..``, ``//host``.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from encore.client.errors import ConfigurationError, UsageError
from encore.client.urls import is_loopback, validate_url

API_URL: Final = "API_URL"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PORT: Final = re.compile(r":(\d*)(?=[/?#]|$)")
_HOST: Final = re.compile(
    r"(\[[0-9A-Fa-f:.]+\](?::\d+)?|[A-Za-z0-9._-]+:\d+|localhost|127\.[0-9.]+)(?=[/?#]|$)"
)
_OTHER_HOST: Final = re.compile(r"(?:[A-Za-z0-9-]+\.){2,}[A-Za-z]{2,}(?=[/?#]|$)")
_FIRST_SEGMENT: Final = re.compile(r"[^/?#]*")


def is_absolute(raw: str) -> bool:
    """Return whether a URL has a scheme."""
    return "://" in raw.partition("?")[0].partition("#")[0] or raw.startswith(("http:", "https:"))


def resolve_url(raw: str, read_api_url: Callable[[], str]) -> str:
    """Return the absolute URL.

    Args:
        raw: The argument.
        read_api_url: Returns the setting ``API_URL``; called only if it is needed.

    Raises:
        UsageError: The URL is malformed, or has no meaning here.
        ConfigurationError: ``API_URL`` is malformed.
    """
    url = raw if is_absolute(raw) else _absolute(raw, read_api_url)
    validate_url(url, "URL", UsageError)
    return url


def _absolute(raw: str, read_api_url: Callable[[], str]) -> str:
    if match := _PORT.match(raw):
        port = f":{match[1]}" if match[1] else ""
        return f"http://localhost{port}{raw[match.end() :]}"
    if match := _HOST.match(raw):
        if is_loopback(f"http://{match[1]}/"):
            return f"http://{raw}"
        raise UsageError(f"URL must start with http:// or https://: {match[1]} is another machine.")
    _refuse(raw)
    base = read_api_url()
    if not base:
        raise UsageError(
            "URL must start with http:// or https:// and name a host, because API_URL is not set:"
            " with a line API_URL=http://localhost:3000 in .env.local, parts is a URL below it."
        )
    _validate_base(base)
    relative = raw.removeprefix("./").lstrip("/")
    if relative in {"", "."}:
        return base
    return base.rstrip("/") + ("" if relative[0] == "?" else "/") + relative


def _refuse(raw: str) -> None:
    """Raise ``UsageError`` for what is neither a path nor a host of this machine."""
    segment = _FIRST_SEGMENT.match(raw)
    first = segment[0] if segment else ""
    if raw.startswith("//") or _OTHER_HOST.match(raw):
        raise UsageError("URL names a host without a scheme: write https:// before it.")
    if ":" in first or "@" in first:
        # Not repeated: it may be a user and a password.
        raise UsageError("URL must start with http:// or https://, or with ./ if it is a path.")
    path = raw.partition("?")[0].partition("#")[0]
    if ".." in path.split("/"):
        raise UsageError("URL must not leave API_URL: write it in full instead of ...")
    if raw.upper() in _METHODS:
        raise UsageError(
            f"URL comes before METHOD: {raw} is a method, and ./{raw} is a path below API_URL."
        )


def _validate_base(base: str) -> None:
    validate_url(base, API_URL, ConfigurationError)
    parts = urlsplit(base)
    if parts.query or parts.fragment or base[-1] in "?#":
        raise ConfigurationError("API_URL must not have a query or a fragment.")


def add_query(url: str, query: Sequence[tuple[str, str]]) -> str:
    """Return a URL with further query parameters. Raise ``UsageError`` for one that is no text."""
    if not query:
        return url
    added = "&".join(
        f"{_quote(name, name, safe='')}={_quote(name, value, safe=',:')}" for name, value in query
    )
    before, separator, fragment = url.partition("#")
    joint = "" if before.endswith(("?", "&")) else "&" if "?" in before else "?"
    return f"{before}{joint}{added}{separator}{fragment}"


def _quote(name: str, text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError as error:  # Bytes of the command line.
        raise UsageError(f"{name[:40]}==... is not UTF-8, nothing was sent.") from error
