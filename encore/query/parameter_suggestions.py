"""Hints: what the caller of another API means by a parameter that is unknown here.

Two tables, one of parameters and one of operators, in the spelling of Finale's relatives: Django,
Rails, OData, JSON:API, PostgREST, json-server, FastAPI samples. Then the nearest name that is
known. The work is bounded: a name leads through few levels, and few names are compared.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice, product
from typing import Final

from encore.models.fields import Field
from encore.query.field_lookup import FieldLookup
from encore.query.operators import OPERATORS, SEPARATOR

_SHOWN: Final = 100
_SIMILAR: Final = 0.5
_VERY_SIMILAR: Final = 0.75
_COMPARED: Final = 200
"""The most names that an unknown one is compared with."""

FOREIGN_PARAMETERS: Final[Mapping[str, str]] = {
    spelling: meaning
    for meaning, spellings in {
        "count": "limit pagesize perpage size take top first maxresults rows results page[size]"
        " page[limit]",
        "offset": "skip start from startat startindex page[offset]",
        "page": "pagenumber pageno pageindex page[number]",
        "cursor": "after startingafter startafter nextcursor nexttoken pagetoken continuationtoken"
        " page[after] page[cursor]",
        "sort": "orderby order ordering sortby sortorder",
        "search": "search query term keyword text",
        "fields": "select only columns attributes",
        "preset": "scope scopes",
        "filter": "filter filters where criteria",
    }.items()
    for spelling in spellings.split()
}
"""What a parameter of another API is here; spelt in lower case, without ``_``, ``-`` and ``$``."""

FOREIGN_OPERATORS: Final[Mapping[str, str]] = {
    spelling: operator
    for operator, spellings in {
        "eq": "eq equals equal exact is =",
        "ne": "ne neq not noteq notequal nequal isnot ! != <>",
        "gt": "gt greaterthan after above >",
        "gte": "gte ge goe min from >=",
        "lt": "lt lessthan before below <",
        "lte": "lte le loe max to <=",
        "between": "between range",
        "in": "in any oneof",
        "not_in": "notin nin exclude",
        "like": "like contains substring includes match cs",
        "ilike": "ilike icontains iexact search ~ ~=",
        "startswith": "startswith start starts sw prefix",
        "endswith": "endswith end ends ew suffix",
        "istartswith": "istartswith",
        "iendswith": "iendswith",
        "is_null": "isnull null isnil isempty",
    }.items()
    for spelling in spellings.split()
}
"""What an operator of another API is here, spelt likewise."""

_FILTER: Final = "a field, such as {}=value or {}__ne=value"
_BRACKETS: Final = re.compile(
    r"(?P<name>[^\[\]]*)\[(?P<inner>[^\[\]]*)\](?:\[(?P<last>[^\[\]]*)\])?"
)
_SYMBOL: Final = re.compile(r"(?P<name>[\w.]+?)\s*(?P<operator>[<>]=?|!|~|<>).*", re.DOTALL)
_ENCLOSING: Final = frozenset({"filter", "filters", "where", "q", "criteria"})
_POSTGREST: Final = re.compile(r"(?:not\.)?(eq|neq|gt|gte|lt|lte|like|ilike|in|is)\.")


@dataclass(frozen=True, slots=True)
class ParameterSuggestions:
    """Finds what an unknown parameter may have meant.

    Attributes:
        names: What may be filtered by.
        parameters: The actual names of this resource's parameters, by what they are for; those
            that it does not have are missing.
    """

    names: FieldLookup
    parameters: Mapping[str, str]

    def nearest(self, name: str, listed: Collection[str]) -> str | None:
        """Return what was probably meant, or None.

        Args:
            name: What was given.
            listed: The parameters that are known beside the names.
        """
        shown = name[:_SHOWN]
        found = self._parameter(shown) or self._with_operator(shown)
        if found is not None:
            return found
        candidates = dict.fromkeys([*listed, *self._some_names()])
        matches = get_close_matches(shown, candidates, n=1, cutoff=_SIMILAR)
        return matches[0] if matches else None

    def _parameter(self, name: str) -> str | None:
        """Look a whole name up among the parameters of other APIs."""
        meaning = FOREIGN_PARAMETERS.get(_plain(name))
        if meaning == "filter":
            first = next(iter(self.names.fields), None)
            return None if first is None else _FILTER.format(first, first)
        return None if meaning is None else self.parameters.get(meaning)

    def _with_operator(self, name: str) -> str | None:
        """Read a name with an operator in a foreign spelling, or a misspelt one."""
        splits = list(_splits(name))
        for find, (bare, suffix) in product((self._field, self._near_field), splits):
            path = find(bare)
            if path is None:
                continue
            if not suffix:
                return path[0]
            return _with_one_of_its_own(*path, suffix)
        return None

    def _field(self, name: str) -> tuple[str, Field] | None:
        """Find the field that a name means; its name and itself."""
        target = self.names.target(name)
        return None if target is None else (name, target.field)

    def _near_field(self, name: str) -> tuple[str, Field] | None:
        """Find the field that a name nearly means."""
        matches = get_close_matches(name, list(self._some_names()), n=1, cutoff=_VERY_SIMILAR)
        return self._field(matches[0]) if matches else None

    def _some_names(self) -> Iterator[str]:
        return (name for name, _ in islice(self.names.all(), _COMPARED))


def translate_postgrest_filter(name: str, text: str) -> str | None:
    """Return what ``name=gt.5``, as PostgREST has it, is here; None if it is not that."""
    found = _POSTGREST.match(text)
    if found is None or SEPARATOR in name:
        return None
    return f"{name}{SEPARATOR}{FOREIGN_OPERATORS[found[1]]}={text[found.end() :][:_SHOWN]}"


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to part a name from an operator: ``a__b``, ``a[b]``, ``f[a][b]``, ``a>``."""
    if SEPARATOR in name:
        bare, _, suffix = name.rpartition(SEPARATOR)
        yield bare, suffix
        yield bare.replace(SEPARATOR, "."), suffix
        yield name.replace(SEPARATOR, "."), ""
    brackets = _BRACKETS.fullmatch(name)
    if brackets is not None:
        outer, inner, last = brackets["name"], brackets["inner"], brackets["last"]
        if outer.lstrip("$").lower() in _ENCLOSING:
            yield inner, last or ""
        elif inner:
            yield f"{outer}.{inner}", last or ""
            yield outer, inner
    symbol = _SYMBOL.fullmatch(name)
    if symbol is not None:
        name, operator = symbol["name"], symbol["operator"]
        # The = of a>=5 has been taken for the one between name and value.
        yield name, f"{operator}=" if symbol.end("operator") == symbol.end() else operator
    for separator in (".", ":"):
        if separator in name:
            bare, _, suffix = name.rpartition(separator)
            if _plain(suffix) in FOREIGN_OPERATORS:
                yield bare, suffix


def _with_one_of_its_own(name: str, field: Field, suffix: str) -> str:
    """Return a name with the operator that a foreign or misspelt one means, or with all."""
    fitting = [name for name, operator in OPERATORS.items() if operator.of(field)]
    known = FOREIGN_OPERATORS.get(_plain(suffix))
    if known is None:
        known = next(iter(get_close_matches(suffix, fitting, n=1, cutoff=_SIMILAR)), None)
    if known in fitting:
        return f"{name}{SEPARATOR}{known}"
    return f"{name}{SEPARATOR} and one of {', '.join(fitting)}"


def _plain(name: str) -> str:
    return name.lower().translate(_IGNORED)


_IGNORED: Final = str.maketrans("", "", "_-$ ")
