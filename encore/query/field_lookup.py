"""Names: what a caller may name in a query, and nothing else.

A field, ``author.name`` through relations that the resource shows, ``price__gte`` with an operator
that the field has. What is not here cannot be filtered, searched, sorted or guessed.
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
"""How many relations a name may lead through."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field, and the relations that lead to it."""

    field: Field
    path: tuple[Relation, ...] = ()

    def condition(self, operator: Operator, size: int = 1) -> Condition:
        """Make the condition that compares the field, wherever it is."""
        return self.wrap(Comparison(self.field, operator, size))

    def wrap(self, inner: Condition) -> Condition:
        """Put a condition on the field's row at the end of the path."""
        for relation in reversed(self.path):
            inner = RelatedFilter(relation, inner)
        return inner


@dataclass(frozen=True, slots=True)
class FieldLookup:
    """What may be named, seen from one model.

    Attributes:
        fields: Its fields.
        relations: Its relations, and what may be named beyond each.
    """

    fields: Mapping[str, Field]
    relations: Mapping[str, tuple[Relation, "FieldLookup"]] = field(default_factory=dict)

    def target(self, name: str) -> FieldPath | None:
        """Find the field that ``name`` or ``author.name`` means."""
        if name in self.fields:  # A column may have dots in its name.
            return FieldPath(self.fields[name])
        names, path = self, []
        *steps, last = name.split(".", MAX_DEPTH)
        for step in steps:
            found = names.relations.get(step)
            if found is None:
                return None
            path.append(found[0])
            names = found[1]
        end = names.fields.get(last)
        return None if end is None else FieldPath(end, tuple(path))

    def resolve(self, name: str) -> tuple[FieldPath, Operator] | None:
        """Find the field and the operator that a parameter's name means.

        A plain dotted name of a text field means *contains*, as in Finale; ``__eq`` is exact.
        """
        target = self.target(name)
        if target is not None:
            operator = ILIKE if target.path and target.field.codec.is_text else EQUALS
            return (target, operator) if operator.of(target.field) else None
        bare, _, suffix = name.rpartition(SEPARATOR)
        named = OPERATORS.get(suffix)
        target = self.target(bare)
        if target is None or named is None or not named.of(target.field):
            return None
        return target, named

    def all(self, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Field]]:
        """Give every name, shortest paths first, with its field."""
        for name, one in self.fields.items():
            yield prefix + name, one
        if depth < MAX_DEPTH - 1:
            for name, (_, beyond) in self.relations.items():
                yield from beyond.all(f"{prefix}{name}.", depth + 1)


@dataclass(frozen=True, slots=True)
class Search:
    """A search parameter: its text is compared with each target, and one match suffices.

    Attributes:
        parameter: Its name in the query.
        targets: What it looks at.
        operator: How, ``ilike`` by default.
        negated: A target matches where the operator does not; null never matches, as in Finale.
        index: Finds rows by the table's search index; None where each row is compared.
    """

    parameter: str
    targets: tuple[FieldPath, ...]
    operator: Operator = ILIKE
    negated: bool = False
    index: IndexedSearch | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A condition that callers name but do not write: Finale's named scope."""

    name: str
    condition: RawFilter
