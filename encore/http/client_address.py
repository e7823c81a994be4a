"""Whom to count a request for, by where it came from."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.types import Scope

_KEPT: Final = 1_024
_NETWORK_BITS: Final = 64
"""One subscriber has a whole /64 of IPv6 to send from."""


def client_address(scope: Scope) -> str:
    """Return whom to count a request for: an IPv4 address, or the /64 of an IPv6 one."""
    return client_network((scope.get("client") or ("",))[0])


@lru_cache(_KEPT)
def client_network(host: str) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 one; ``unknown`` for what is neither."""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{int(address) >> (128 - _NETWORK_BITS):x}::/64"
    return str(address)
