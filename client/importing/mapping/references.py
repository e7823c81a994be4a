"""The columns and paths that a mapping names."""

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping


def list_references(mapping: FieldMapping) -> tuple[str, ...]:
    """Return all columns and paths that a mapping names, each once.

    Names inside templates are included, and the templates themselves, since a column may have
    their exact name.
    """
    texts = (*mapping.columns.values(), *mapping.skip, *mapping.only)
    names = (name for text in texts for name in (text, *parse_expression(text).names))
    return tuple(dict.fromkeys(names))
