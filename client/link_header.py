"""The ``Link`` header of a response (RFC 8288): where the next page is."""

import re
from collections.abc import Iterator
from typing import Final

_LINK: Final = re.compile(r"[\s,]*<([^>]*)>\s*")
_PARAMETER: Final = re.compile(
    r""";\s*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?)?\s*"""
)
_NEXT: Final = "next"


def next_link(header: str) -> str | None:
    """Return the target of the link whose relation is ``next``, or None.

    Args:
        header: The values of all ``Link`` headers, joined by commas.

    Raises:
        ValueError: The header is malformed, or names two next pages.
    """
    targets = {target for target, relations in _links(header) if _NEXT in relations}
    if len(targets) > 1:
        raise ValueError("it names two next pages")
    return targets.pop() if targets else None


def _links(header: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the target and the relations of each link."""
    position = 0
    while header[position:].strip(" \t,"):
        link = _LINK.match(header, position)
        if link is None:
            raise ValueError("it is malformed")
        parameters: dict[str, str] = {}
        position = link.end()
        while parameter := _PARAMETER.match(header, position):
            name, value = parameter.groups(default="")
            # Of a parameter that occurs twice, the first counts (RFC 8288, 3.3).
            parameters.setdefault(name.lower(), _unquote(value))
            position = parameter.end()
        if position < len(header) and header[position] != ",":
            raise ValueError("it is malformed")
        # With an anchor, the link is one of another resource.
        if "anchor" not in parameters:
            yield link[1], frozenset(parameters.get("rel", "").lower().split())


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
