"""The names of members that a mapping may read."""

import re
from typing import Final

from client.importing.mapping.field_mapping import FieldMapping

_TEMPLATE_PART: Final = re.compile(r"\{([^{}]*)\}")


def mapped_names(mapping: FieldMapping) -> frozenset[str]:
    """Return the names with which a column, path or template of a mapping may begin.

    ``user.name`` may be the member of that name, or begin with the member ``user``.
    """
    names: set[str] = set()
    for expression in (*mapping.columns.values(), *mapping.skip, *mapping.only):
        for text in (expression, *_TEMPLATE_PART.findall(expression)):
            parts = text.strip().split(".")
            names.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return frozenset(names)
