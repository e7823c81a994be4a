"""The address of a request's client, also behind proxies: the one place that reads their headers.

A header such as ``X-Forwarded-For`` can be sent by anybody, so it is read only if the request comes
from a trusted proxy. Each proxy appends the address from which it received the request: from right
to left, the first address that is not a trusted proxy's is the client's, and what is left of it
was sent by that client. An entry that is malformed, ``unknown`` or obfuscated (RFC 7239 section 6)
ends the search; the address is then that of the proxy that sent the entry.

Only one of the two is read, since a proxy passes on the other one as the client sent it. Nothing is
read from ``X-Forwarded-Proto`` and ``-Host``: the public URL is a setting (RESOURCE_URL).

``X-Forwarded-Prefix`` is the path that a proxy has removed, for links to the documentation. It
belongs to the ``X-Forwarded-`` headers; RFC 7239 has no such parameter.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from starlette.types import Scope

from encore.errors import BadRequest

X_FORWARDED_FOR: Final = "x-forwarded-for"
FORWARDED: Final = "forwarded"
PREFIX: Final = "X-Forwarded-Prefix"

UNIX_SOCKETS: Final = "unix:"
"""Stands for all connections through a Unix socket, which have no address; nginx's notation."""

_PREFIX_FIELD: Final = PREFIX.lower().encode()

_MAX_HOPS: Final = 32
"""Entries that are read, from the right; a chain of proxies is far shorter."""

_MAX_BYTES: Final = 4_096
"""Of a header, from the right: a client may send more, which a proxy passes on."""

_CACHE_SIZE: Final = 1_024
_CACHED_BYTES: Final = 256
"""Longer headers are not cached: callers choose them."""

_MAPPED_BITS: Final = 96
"""The prefix of IPv4-mapped addresses, ``::ffff:0:0/96``."""

_PORT: Final = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]{1,64}))?"
_NODE: Final = re.compile(rf"(?:\[([0-9A-Fa-f:.]{{2,45}})\]|([0-9.]{{7,15}})){_PORT}")
_BARE_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_QUOTE: Final = re.compile(r'(?<!\\)(?:\\\\)*"')
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 5.6.2, not a secret
_PAIR: Final = re.compile(
    rf'[ \t]*(?:({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")[ \t]*)?(?:;|\Z)'
)
_ESCAPE: Final = re.compile(r"\\(.)")

_PATH: Final = re.compile(
    r"(?:/(?!\.{1,2}(?:/|$))(?:[A-Za-z0-9._~-]|%(?!2[EeFf])[0-9A-Fa-f]{2})+)*/?"
)
"""Unreserved characters and escapes (RFC 3986), without empty and dot segments, however encoded."""

_MAX_PREFIX_BYTES: Final = 512

_INVALID: Final = (
    "must be addresses and networks such as 10.0.0.5 or 10.0.0.0/8 (without bits after the prefix),"
    f" or {UNIX_SOCKETS} for Unix sockets"
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class TrustedProxies:
    """The proxies whose header is believed.

    Args:
        names: Addresses and networks (``10.0.0.0/8``), and ``unix:`` for Unix sockets.
        header: ``x-forwarded-for``, or ``forwarded`` (RFC 7239).

    Raises:
        ValueError: A name is not an address or a network, or a network has every address; the
            message begins with "must".
    """

    def __init__(self, names: Iterable[str] = (), header: str = X_FORWARDED_FOR) -> None:
        all_names = tuple(names)
        self._networks = tuple(_network(name) for name in all_names if name != UNIX_SOCKETS)
        self._unix = UNIX_SOCKETS in all_names
        self._header = header.encode()
        self._entries = _forwarded_for if header == FORWARDED else _x_forwarded_for
        self._none = not all_names
        self._cached = lru_cache(_CACHE_SIZE)(self._find)

    def client_address(self, scope: Scope) -> str:
        """Return the IP address of a request's client; an empty string if it is unknown."""
        peer = scope.get("client")
        host: str = peer[0] if peer else ""
        if self._none:
            return normalized_address(host)
        value: bytes | None = None
        for name, field in scope["headers"]:
            if name == self._header:  # Several fields form one list (RFC 9110 5.3).
                value = field if value is None else value + b"," + field
        if value is None:
            return normalized_address(host)
        if len(value) > _CACHED_BYTES:
            return self._find(host, value)
        return self._cached(host, value)

    def forwarded_prefix(self, scope: Scope) -> str:
        """Return the path that trusted proxies have removed, such as ``/shop``; empty for none.

        Proxies in a row each append what they have removed, the outermost first.

        Raises:
            BadRequest: A trusted proxy sent a value that is not a path.
        """
        if self._none or self._header == FORWARDED.encode():
            return ""
        values = [value for name, value in scope["headers"] if name == _PREFIX_FIELD]
        peer = scope.get("client")
        if not values or not self._trusts(_parse_address(peer[0] if peer else "")):
            return ""
        paths = [path.strip(" \t") for path in b",".join(values).decode("latin-1").split(",")]
        if sum(map(len, paths)) > _MAX_PREFIX_BYTES or not all(map(_PATH.fullmatch, paths)):
            message = f"{PREFIX} must be a path such as /shop"
            raise BadRequest(message, [{"field": PREFIX, "message": message}])
        return "".join(path.rstrip("/") for path in paths)

    def _find(self, host: str, value: bytes) -> str:
        found = _parse_address(host)
        if not self._trusts(found):
            return str(found or "")
        for entry in self._entries(value):
            if entry is None:
                break
            found = entry
            if not self._trusts(found):
                break
        return str(found or "")

    def _trusts(self, address: Address | None) -> bool:
        if address is None:
            return self._unix
        return any(address in network for network in self._networks)


@lru_cache(_CACHE_SIZE)
def normalized_address(host: str) -> str:
    """Return an IP address in its canonical form; an empty string for anything else."""
    return str(_parse_address(host) or "")


def _network(name: str) -> Network:
    if "%" in name:  # A zone names a link of this machine; peers are known without it.
        raise ValueError(_INVALID)
    try:
        network = _unmapped(ip_network(name))
    except ValueError:
        raise ValueError(_INVALID) from None
    if network.prefixlen == 0:
        raise ValueError(
            "must not be every address: any client could then choose the address that is logged"
        )
    return network


def _unmapped(network: Network) -> Network:
    """Return the IPv4 network of one that is mapped to IPv6; addresses are compared like that."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _parse_address(text: str) -> Address | None:
    """Return an address; that of IPv4 for one that is mapped to IPv6 (RFC 4291 2.5.5.2)."""
    try:
        address = ip_address(text.partition("%")[0])  # Without the zone of a link-local address.
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _x_forwarded_for(value: bytes) -> Iterator[Address | None]:
    """Yield the addresses from right to left; None for an entry that is not one."""
    for text in reversed(_split(value)):
        entry = text.strip(" \t")
        if entry.count(":") > 1 and _BARE_IPV6.fullmatch(entry):
            yield _parse_address(entry)
        else:
            yield _parse_node(entry)


def _forwarded_for(value: bytes) -> Iterator[Address | None]:
    """Yield the addresses of ``for`` from right to left; None for an element without one.

    A comma within a quoted string does not separate elements. Quotation marks are matched from the
    right as well: one that a client left open must not swallow what a proxy appended.
    """
    element = ""
    for part in reversed(_split(value)):
        element = f"{part},{element}" if element else part
        if len(_QUOTE.findall(element)) % 2 == 0:
            yield _parse_element(element)
            element = ""
    if element:
        yield None


def _split(value: bytes) -> list[str]:
    """Return the last entries of a header."""
    parts = value[-_MAX_BYTES:].decode("latin-1").rsplit(",", _MAX_HOPS)
    is_cut = len(value) > _MAX_BYTES or len(parts) > _MAX_HOPS
    return parts[1:] if is_cut else parts


def _parse_element(element: str) -> Address | None:
    """Return the address of ``for`` in an element (RFC 7239 section 4); None without one."""
    found: dict[str, str] = {}
    position = 0
    while position < len(element):
        pair = _PAIR.match(element, position)
        if pair is None:
            return None
        name, token, quoted = pair.groups()
        position = pair.end()
        if name is None:
            continue
        if name.lower() in found:
            return None
        found[name.lower()] = _ESCAPE.sub(r"\1", quoted) if token is None else token
    return _parse_node(found.get("for", ""))


def _parse_node(node: str) -> Address | None:
    """Return the address of a node, which may have a port; IPv6 is in square brackets."""
    match = _NODE.fullmatch(node)
    return None if match is None else _parse_address(match[1] or match[2])
