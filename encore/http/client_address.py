"""The network of a client's address, as the key of its rate limits and of its share."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

_CACHE_SIZE: Final = 1_024
_NETWORK_BITS: Final = 64
"""One subscriber can send from any address of an IPv6 /64."""


@lru_cache(_CACHE_SIZE)
def client_network(host: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address; ``unknown`` for neither."""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{int(address) >> (128 - _NETWORK_BITS):x}::/64"
    return str(address)
