"""Field lookup: the names that a query may use.

A field, ``author.name`` through relations that the resource outputs, ``price__gte`` with an
operator of the field. Other fields cannot be filtered, searched, sorted by or guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from encore.models.fields import Field
from encore.models.relations import Relation
from encore.query.filters import Comparison, Condition, RawFilter, RelatedFilter
from encore.query.indexed_search import IndexedSearch
from encore.query.operators import EQUALS, ILIKE, OPERATORS, SEPARATOR, Operator

MAX_DEPTH: Final = 3
"""How many relations a path may have."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field, and the path of relations to it."""

    field: Field
    path: tuple[Relation, ...] = ()

    def condition(self, operator: Operator, size: int = 1) -> Condition:
        """Return the comparison of the field with ``size`` values, inside its relations."""
        return self.wrap(Comparison(self.field, operator, size))

    def wrap(self, inner: Condition) -> Condition:
        """Return a condition on the field's row as a condition on the path's first row."""
        for relation in reversed(self.path):
            inner = RelatedFilter(relation, inner)
        return inner


@dataclass(frozen=True, slots=True)
class FieldLookup:
    """The fields and relations of one model that a query may name.

    Attributes:
        fields: The fields, by name.
        relations: The relations and the lookups of their models, by name.
    """

    fields: Mapping[str, Field]
    relations: Mapping[str, tuple[Relation, "FieldLookup"]] = field(default_factory=dict)

    def find(self, name: str) -> FieldPath | None:
        """Return the path of ``name`` or ``author.name``; None if it is unknown."""
        if name in self.fields:  # A column may have dots in its name.
            return FieldPath(self.fields[name])
        lookup, path = self, []
        *steps, last = name.split(".", MAX_DEPTH)
        for step in steps:
            found = lookup.relations.get(step)
            if found is None:
                return None
            path.append(found[0])
            lookup = found[1]
        end = lookup.fields.get(last)
        return None if end is None else FieldPath(end, tuple(path))

    def resolve(self, name: str) -> tuple[FieldPath, Operator] | None:
        """Return the field and the operator of a parameter's name; None if it is unknown.

        A dotted name of a text field without an operator means *contains*, as in Finale; ``__eq``
        is exact.
        """
        target = self.find(name)
        if target is not None:
            operator = ILIKE if target.path and target.field.codec.is_text else EQUALS
            return (target, operator) if operator.supports(target.field) else None
        bare, _, suffix = name.rpartition(SEPARATOR)
        suffixed = OPERATORS.get(suffix)
        target = self.find(bare)
        if target is None or suffixed is None or not suffixed.supports(target.field):
            return None
        return target, suffixed

    def all(self, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Field]]:
        """Yield every name with its field, the shortest paths first."""
        for name, field_ in self.fields.items():
            yield prefix + name, field_
        if depth < MAX_DEPTH - 1:
            for name, (_, lookup) in self.relations.items():
                yield from lookup.all(f"{prefix}{name}.", depth + 1)


@dataclass(frozen=True, slots=True)
class Search:
    """A search parameter: a row matches if any of the targets matches the text.

    Attributes:
        parameter: The parameter's name.
        targets: The searched fields.
        operator: The comparison, ``ilike`` by default.
        negated: Whether a target matches if the comparison is false; null never matches, as in
            Finale.
        index: The search by the table's search index; None to compare each row.
    """

    parameter: str
    targets: tuple[FieldPath, ...]
    operator: Operator = ILIKE
    negated: bool = False
    index: IndexedSearch | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A named condition that callers choose (``preset=name``): Finale's scope."""

    name: str
    condition: RawFilter
