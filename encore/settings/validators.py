"""Types of settings: each turns the text of a setting into a checked value.

A validator raises ``ValueError`` with what the value must be; the name of the setting is put before
it where all errors are collected. A value that may be secret is never repeated.
"""

import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from encore.auth.principals import ClientMark
from encore.auth.trusted_issuer import is_loopback, is_safe_url
from encore.database.urls import validate_url
from encore.dotenv import MAX_SECONDS
from encore.http.access import SCOPE
from encore.http.forwarded import TrustedProxies
from encore.secret_key import MIN_SECRET_BYTES

MISSING: Final = "is missing; set it in the environment or in .env.local"

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")
_RATE: Final = re.compile(
    r"[1-9][0-9]{0,8} ?/ ?([1-9][0-9]{0,5} ?)?(second|minute|hour|day)s?",
)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - pydantic lets a TypeError through
    return value.strip()


def _required(value: object) -> str:
    text = _string(value)
    if not text:
        raise ValueError(MISSING)
    return text


def integer(lowest: int, highest: int) -> BeforeValidator:
    """Return the validator of an integer from ``lowest`` to ``highest``."""

    def validate(value: str | int) -> int:
        text = _required(str(value))
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise ValueError(f"must be an integer from {lowest} to {highest}")
        return int(text)

    return BeforeValidator(validate)


def one_of(*choices: str) -> BeforeValidator:
    """Return the validator of one of a few words; case is ignored."""

    def validate(value: str) -> str:
        word = _required(value).lower()
        if word not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return word

    return BeforeValidator(validate)


def _flag(value: bool | str | None) -> bool | None:  # noqa: FBT001 - a value, not an option
    if value is None or isinstance(value, bool):
        return value
    word = _string(value).lower()
    if word not in ("", "true", "false"):
        raise ValueError("must be true or false, or empty for the environment's default")
    return word == "true" if word else None


def _required_flag(value: bool | str) -> bool:  # noqa: FBT001 - a value, not an option
    flag = _flag(value)
    if flag is None:
        raise ValueError("must be true or false")
    return flag


def split_words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split a list that is separated by spaces or commas; duplicates are left out."""
    if not isinstance(value, str):
        return tuple(value)
    return tuple(dict.fromkeys(value.replace(",", " ").split()))


def _scopes(value: str) -> str:
    scopes = _string(value).split()
    if not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("a scope is printable ASCII without quotation marks")
    return " ".join(scopes)


def _secret(value: str) -> str:
    text = _string(value)
    if text and len(text.encode()) < MIN_SECRET_BYTES:
        raise ValueError(
            f"must be at least {MIN_SECRET_BYTES} characters long; make one by"
            " python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return text


def _database_url(value: str) -> str:
    url = _required(value)
    validate_url(url)
    return url


def check_issuer(value: str) -> str:
    """Return an issuer's URL that keys may safely be fetched from. Raises ``ValueError``."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        raise ValueError("must be a URL") from None
    if not host or parts.scheme not in ("http", "https") or set("?#") & set(value):
        raise ValueError("must be a URL such as https://example.okta.com/oauth2/default")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must use https: over http anyone on the way could forge keys")
    if not is_safe_url(value, loopback=True):
        raise ValueError("must be a plain URL, without spaces, user or odd port")
    return value


def _issuer(value: str) -> str:
    text = _string(value)
    return check_issuer(text) if text else ""


def _domain(value: str) -> str:
    text = _string(value).removeprefix("https://").rstrip("/")
    if text and (set("/?#@") & set(text) or not is_safe_url(f"https://{text}/", loopback=False)):
        raise ValueError("must be a domain such as example.eu.auth0.com")
    return text


def _safe_url(value: str) -> str:
    text = _string(value)
    if text and (not is_safe_url(text, loopback=True) or set("?#\"\\<>'") & set(text)):
        raise ValueError("must be an https URL (http on loopback) without query and fragment")
    return text


def _origins(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split origins (RFC 6454 section 6.2) in the form that browsers send them, or ``*`` alone."""
    origins = split_words(value)
    if origins != ("*",) and not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError(
            "must be origins such as https://app.example.com, in lower case and without a path,"
            " or * alone"
        )
    return origins


def _proxies(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split addresses and networks of proxies."""
    names = split_words(value)
    TrustedProxies(names)
    return names


def _header_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Split names of header fields (RFC 9110 section 5.1); ``*`` stands for any."""
    names = split_words(value)
    if not all(_HEADER_NAME.fullmatch(name) for name in names):
        raise ValueError("must be header names such as traceparent, or * for any")
    return names


def _claim_value(value: str) -> str:
    text = _string(value)
    if text:
        ClientMark.parse(text)
    return text


def _claim_values(value: str | tuple[str, ...]) -> tuple[str, ...]:
    pairs = split_words(value)
    for pair in pairs:
        claim, equals, wanted = pair.partition("=")
        if not (claim and equals and wanted):
            raise ValueError("must be claim=value, separated by spaces, such as token_use=access")
    claims = [pair.partition("=")[0] for pair in pairs]
    if len(set(claims)) < len(claims):
        raise ValueError("must name each claim once")
    return pairs


def _file(value: str | Path | None) -> Path | None:
    text = str(value or "").strip()
    if not text:
        return None
    path = Path(text)
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{text} cannot be read: {error.strerror}") from error
    return path


def _rate(value: str) -> str:
    text = _string(value)
    if text and not _RATE.fullmatch(text):
        raise ValueError("must be a rate such as 600/minute, or empty for no limit")
    return text


Text = Annotated[str, BeforeValidator(_required)]
"""Text that must not be empty."""

OptionalText = Annotated[str, BeforeValidator(_string)]
Flag = Annotated[bool, BeforeValidator(_required_flag)]
"""``true`` or ``false``."""

OptionalFlag = Annotated[bool | None, BeforeValidator(_flag)]
"""``true`` or ``false``; None if it is empty."""

Words = Annotated[tuple[str, ...], BeforeValidator(split_words)]
"""Words separated by spaces or commas."""

Scopes = Annotated[str, BeforeValidator(_scopes)]
"""Scopes separated by spaces, each by the grammar of RFC 6749."""

RequiredScopes = Annotated[str, BeforeValidator(_scopes), BeforeValidator(_required)]
SecretKey = Annotated[str, BeforeValidator(_secret)]
DatabaseUrl = Annotated[str, BeforeValidator(_database_url)]
IssuerUrl = Annotated[str, BeforeValidator(_issuer)]
Domain = Annotated[str, BeforeValidator(_domain)]
"""A host, perhaps with a port: ``example.eu.auth0.com``."""

SafeUrl = Annotated[str, BeforeValidator(_safe_url)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_origins)]
HeaderNames = Annotated[tuple[str, ...], BeforeValidator(_header_names)]
Proxies = Annotated[tuple[str, ...], BeforeValidator(_proxies)]
ReadableFile = Annotated[Path | None, BeforeValidator(_file)]
OptionalClaimValue = Annotated[str, BeforeValidator(_claim_value)]
"""``claim=value``, or ``claim=prefix*``."""

ClaimValues = Annotated[tuple[str, ...], BeforeValidator(_claim_values)]
"""Pairs ``claim=value``, separated by spaces."""

Rate = Annotated[str, BeforeValidator(_rate)]
"""A rate such as ``600/minute``; empty for no limit."""

Seconds = Annotated[int, integer(0, MAX_SECONDS)]
"""Whole seconds, at most a day."""
