"""One value at a time: out of the merged layers, checked, in its type.

Each function raises ``SettingsError`` in one line that begins with the setting's name. A value
that may be secret is never repeated.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from encore.auth.trusted_issuer import is_loopback, is_safe_url
from encore.database.urls import check_url
from encore.errors import SettingsError
from encore.secret_key import SHORTEST
from encore.suggestions import most_similar

Given = Mapping[str, str]

_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
"""RFC 6749 section 3.3; a quotation mark would also break out of the challenge."""

_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_A_DAY: Final = 24
"""Hours."""


def required(given: Given, name: str) -> str:
    """Give a setting that must be there."""
    value = given.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name}: is missing; set it in the environment or in .env.local")
    return value


def optional(given: Given, name: str) -> str:
    """Give a setting that may be left out or empty."""
    return given.get(name, "").strip()


def secret(given: Given, name: str) -> str:
    """Return a secret that keys are derived from; empty where it is left out."""
    value = optional(given, name)
    if value and len(value.encode()) < SHORTEST:
        raise SettingsError(
            f"{name}: must be at least {SHORTEST} characters long; make one by"
            " python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return value


def whole(given: Given, name: str, highest: int, *, lowest: int = 0) -> int:
    """Return an integer from ``lowest`` to ``highest``."""
    text = required(given, name)
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingsError(f"{name}: must be a whole number from {lowest} to {highest}")
    return int(text)


def one_of(given: Given, name: str, choices: tuple[str, ...]) -> str:
    """Give one of a few words, in lower case."""
    value = required(given, name).lower()
    if value not in choices:
        raise SettingsError(f"{name}: must be one of {', '.join(choices)}")
    return value


def words(given: Given, name: str) -> tuple[str, ...]:
    """Give a list divided by blanks or commas, each word once; empty where it is left out."""
    return tuple(dict.fromkeys(optional(given, name).replace(",", " ").split()))


def scopes(given: Given, name: str) -> str:
    """Give scopes divided by blanks, each by the grammar of RFC 6749."""
    value = " ".join(required(given, name).split())
    if not all(_SCOPE.fullmatch(scope) for scope in value.split(" ")):
        raise SettingsError(f"{name}: a scope is printable ASCII without quotation marks")
    return value


def database_url(given: Given, name: str) -> str:
    """Give the URL of a database that we know how to open."""
    url = required(given, name)
    try:
        check_url(url)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error
    return url


def issuer(value: str, name: str) -> str:
    """Give an issuer's URL that keys may safely be fetched from."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError as error:
        raise SettingsError(f"{name}: is not a URL") from error
    if not host or parts.scheme not in ("http", "https") or set("?#") & set(value):
        raise SettingsError(
            f"{name}: must be a URL such as https://example.okta.com/oauth2/default"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(f"{name}: must use https: over http anyone on the way could forge keys")
    if not is_safe_url(value, loopback=True):
        raise SettingsError(f"{name}: must be a plain URL, without blanks, user or odd port")
    return value


def domain(given: Given, name: str) -> str:
    """Give a host, with a port perhaps: ``example.eu.auth0.com``."""
    value = optional(given, name).removeprefix("https://").rstrip("/")
    if value and (set("/?#@") & set(value) or not is_safe_url(f"https://{value}/", loopback=False)):
        raise SettingsError(f"{name}: must be a domain such as example.eu.auth0.com")
    return value


def safe_url(given: Given, name: str) -> str:
    """Give an https URL, or http on loopback, without query and fragment; empty if left out."""
    value = optional(given, name)
    if value and (not is_safe_url(value, loopback=True) or set("?#\"\\<>'") & set(value)):
        raise SettingsError(
            f"{name}: must be an https URL (http on loopback) without query and fragment"
        )
    return value


def origins(given: Given, name: str) -> tuple[str, ...]:
    """Give origins (RFC 6454 section 6.2) in the form that browsers send them, or ``*`` alone."""
    found = words(given, name)
    for origin in found:
        if origin == "*" and len(found) == 1:
            continue
        if not re.fullmatch(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", origin):
            raise SettingsError(
                f"{name}: must be origins such as https://app.example.com, in lower case and"
                " without a path, or * alone"
            )
    return found


def header_names(given: Given, name: str) -> tuple[str, ...]:
    """Return names of header fields (RFC 9110 section 5.1); ``*`` stands for any."""
    found = words(given, name)
    if not all(_FIELD_NAME.fullmatch(word) for word in found):
        raise SettingsError(f"{name}: must be header names such as traceparent, or * for any")
    return found


def file(given: Given, name: str) -> Path | None:
    """Give the path of a file that can be read; None where it is left out."""
    value = optional(given, name)
    if not value:
        return None
    path = Path(value)
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingsError(f"{name}: {value} cannot be read: {error.strerror}") from error
    return path


def rate(given: Given, name: str) -> str:
    """Give a rate such as ``600/minute``; empty where it is left out."""
    value = optional(given, name)
    if value and not re.fullmatch(
        r"[1-9][0-9]{0,8} ?/ ?([1-9][0-9]{0,5} ?)?"
        r"(second|minute|hour|day)s?",
        value,
    ):
        raise SettingsError(f"{name}: must be a rate such as 600/minute, or empty for no limit")
    return value


def hours_of_day(given: Given, name: str) -> Decimal:
    """Give hours of a day, with two decimals at most: more than 0, and up to 24."""
    value = required(given, name)
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", value) or not 0 < Decimal(value) <= _A_DAY:
        raise SettingsError(f"{name}: must be hours of a day, more than 0 and at most 24")
    return Decimal(value)


def nearest(wrong: str, valid: tuple[str, ...]) -> str:
    """Give ``; did you mean x?`` where something is near, or nothing."""
    similar = most_similar(wrong, valid)
    return "" if similar is None else f"; did you mean {similar}?"
