"""Types of PostgreSQL whose JSON form is their text: network addresses, MAC addresses, money."""

import ipaddress
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.temporal import iso_conversion
from encore.models.types.text import check_text


def network_conversion(kind: Any, dialect: Dialect) -> Conversion:
    """Read and write an address of a host, or of a network."""
    if isinstance(kind, postgresql.CIDR):
        form = iso_conversion(ipaddress.ip_network, "a network such as 192.0.2.0/24", "", str)
    else:
        form = iso_conversion(ipaddress.ip_interface, "an address such as 192.0.2.1", "", _address)
    return form(kind, dialect)._replace(schema={"type": "string"})


def _address(value: Any) -> str:
    """Write an address; without its prefix where that is the whole address, as PostgreSQL does."""
    text = str(value)
    whole = "/128" if ":" in text else "/32"
    return text.removesuffix(whole)


def unparsed_text_conversion(_: Any, __: Dialect) -> Conversion:
    """Read and write text whose form the database checks."""

    def from_text(value: Any) -> str:
        if not isinstance(value, str):
            raise InvalidValue("must be a string", value)
        return check_text(value)

    return Conversion(from_text, from_text, {"type": "string"})
