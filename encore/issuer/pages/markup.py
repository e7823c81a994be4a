"""HTML that is escaped by construction.

``element`` escapes every text and every attribute; only what it returned is inserted as it is. So
no value of a request can become markup, whichever page shows it.
"""

from html import escape
from typing import Final

_VOID: Final = frozenset({"input", "meta"})


class Markup(str):
    """HTML that ``element`` made."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | bool) -> Markup:
    """Return an element.

    Args:
        tag: Its name.
        children: Text, which is escaped, or ``Markup``.
        attributes: By name; an underscore at the end is dropped, others become hyphens. False omits
            an attribute, True is one without a value.
    """
    shown = "".join(
        _attribute(name, value) for name, value in attributes.items() if value is not False
    )
    opening = f"<{tag}{shown}>"
    if tag in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(*children)}</{tag}>")


def join(*children: str) -> Markup:
    """Return children one after the other, text escaped."""
    return Markup("".join(c if isinstance(c, Markup) else escape(c) for c in children))


def _attribute(name: str, value: object) -> str:
    name = name.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
