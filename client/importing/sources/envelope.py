"""Walks the members around the rows of an answer, in which its paging is described."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

_ABOUT_PAGES: Final = frozenset(
    {"meta", "metadata", "pagination", "paging", "page", "pageinfo", "resultinfo", "links",
     "responsemetadata", "cursor", "cursors"}
)  # fmt: skip
"""Objects about pages."""
_WRAPPERS: Final = frozenset({"href", "value", "url"})
"""Members that hold the value of the member they are in: ``next.href``, ``total.value``."""
_NEXT: Final = frozenset({"next", "nextpage"})
"""Objects whose members say where the next page is: ``next.after``, ``next_page.offset``."""
_MAX_DEPTH: Final = 6
_MAX_ITEMS: Final = 20
"""Elements of an array that are looked at."""


class Member(NamedTuple):
    """A member around the rows that is not an object or array."""

    path: str
    """Its name, preceded by those of the objects it is in and dots."""
    key: str
    """Its name in lower case and without punctuation."""
    value: Any
    beside: bool
    """Whether it is in an object around the rows, or in one about pages."""


def walk_envelope(envelope: Mapping[str, Any], rows: str) -> Iterator[Member]:
    """Yield the members around the rows.

    Args:
        envelope: The members of the objects around the rows.
        rows: The path of the rows, as in a mapping.
    """
    around = _ABOUT_PAGES | {normalize_name(name) for name in rows.split(".")}
    yield from _walk_object(envelope, "", "", around, beside=True, depth=0)


@lru_cache(maxsize=4096)
def normalize_name(name: str) -> str:
    """Return a name in lower case and without punctuation."""
    return re.sub(r"[\W_]", "", name).lower()


def _walk_object(
    members: Mapping[str, Any], prefix: str, key: str, around: frozenset[str], *, beside: bool,
    depth: int,
) -> Iterator[Member]:  # fmt: skip
    relation = members.get("rel")
    is_next = key in _NEXT and not _is_value(members)
    for name, value in members.items():
        own = normalize_name(name)
        if own in _WRAPPERS and key:
            # In an array of links, the relation is the name.
            own = relation.lower() if isinstance(relation, str) else key
        elif is_next:
            own = key
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            if depth < _MAX_DEPTH:
                inner = beside and (own in around | _NEXT or _is_value(value))
                yield from _walk_object(
                    value, f"{path}.", own, around, beside=inner, depth=depth + 1
                )
        elif isinstance(value, list):
            for index, item in enumerate(value[:_MAX_ITEMS]):
                if isinstance(item, Mapping) and depth < _MAX_DEPTH:
                    yield from _walk_object(
                        item, f"{path}.{index}.", own, around, beside=beside and own in around,
                        depth=depth + 1,
                    )  # fmt: skip
        else:
            yield Member(path, own, value, beside)


def _is_value(value: Mapping[str, Any]) -> bool:
    """Return whether an object only wraps a value: ``{"href": ...}``."""
    return any(name in _WRAPPERS for name in value)
