"""The names of members that a mapping may read."""

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.references import list_references


def mapped_names(mapping: FieldMapping) -> frozenset[str]:
    """Return the names with which the columns and paths of a mapping may begin.

    ``user.name`` may be the member of that name, or begin with the member ``user``.
    """
    names: set[str] = set()
    for reference in list_references(mapping):
        parts = reference.split(".")
        names.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return frozenset(names)
