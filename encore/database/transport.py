"""Whether what is sent to a database can be read on a network: TLS, or a server on this machine.

Follows asyncpg, which reads the URL, and the environment for what the URL leaves out (``PGHOST``,
``PGSSLMODE``, ``PGSERVICE``). Without ``sslmode`` it tries TLS, but accepts a server without it.
"""

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from sqlalchemy import URL, make_url

ENCRYPTED: Final = ("require", "verify-ca", "verify-full")
"""The values of ``sslmode`` with which asyncpg never sends anything unencrypted."""

VERIFIED: Final = "verify-full"
"""The one with which the server must prove that it has the name in the URL."""

_UNKNOWN: Final = "?"
"""The host of a service file, which is not read here."""


def ssl_mode(url: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the ``sslmode`` of a PostgreSQL URL, else that of the environment; may be empty."""
    return _parameter(make_url(url), "sslmode") or environ.get("PGSSLMODE", "")


def is_remote(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the database of a URL may be on another machine."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return False
    return not all(_is_local(host) for host in _hosts(parsed, environ))


def is_exposed(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether data of a URL's database may cross a network unencrypted."""
    return is_remote(url, environ) and ssl_mode(url, environ) not in ENCRYPTED


def check_encryption(url: str, *, is_production: bool, unencrypted: bool | None) -> None:
    """Reject a database on another machine to which connections may be unencrypted.

    Args:
        url: A valid URL.
        is_production: Whether ENVIRONMENT is production, which decides where nothing else does.
        unencrypted: UNENCRYPTED_DATABASE; None if it is not set.

    Raises:
        ValueError: The message does not repeat the URL.
    """
    allowed = not is_production if unencrypted is None else unencrypted
    if not allowed and is_exposed(url):
        raise ValueError(
            f"must name a server on this machine, or have sslmode={VERIFIED} (or verify-ca, or"
            " require): without it data may cross the network unencrypted;"
            " UNENCRYPTED_DATABASE=true allows that"
        )


def _hosts(url: URL, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the hosts of a URL; none for the server's socket on this machine."""
    named = url.host or _parameter(url, "host")
    if not named and (_parameter(url, "service") or environ.get("PGSERVICE")):
        named = _UNKNOWN
    for host in (named or environ.get("PGHOST", "")).split(","):
        if host.strip():
            yield unquote(host.strip())


def _parameter(url: URL, name: str) -> str:
    """Return a parameter of the query; of several the last, as asyncpg does."""
    value = url.query.get(name, "")
    return value if isinstance(value, str) else value[-1]


def _is_local(host: str) -> bool:
    """Return whether a host is a socket's directory or a loopback address, perhaps with a port."""
    if host == "localhost" or host.startswith(("/", "localhost:")):
        return True
    address = host.removeprefix("[").partition("]")[0] if host[0] == "[" else host
    for candidate in (address, address.rpartition(":")[0]):
        try:
            return ip_address(candidate).is_loopback
        except ValueError:
            continue
    return False
