"""Suggestions for unknown query parameters, also for those of other APIs.

Two tables translate parameters and operators of Django, Rails, OData, JSON:API, PostgREST,
json-server and FastAPI samples; otherwise the most similar known name is suggested. The cost is
bounded: at most ``_MAX_COMPARED`` names are compared.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Final

from encore.models.fields import Field
from encore.query.field_lookup import FieldLookup
from encore.query.operators import EQUALS, OPERATORS, SEPARATOR
from encore.suggestions import SHOWN, most_similar

_VERY_SIMILAR: Final = 0.75
"""The least similarity of a field's name whose operator is misspelt as well."""

_MAX_COMPARED: Final = 200
"""How many known names an unknown one is compared with."""

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
"""Parameters of other APIs and their purpose here; in lower case, without ``_``, ``-``, ``$``."""

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
"""Operators of other APIs and our operators, in the same spelling."""

_FILTER: Final = "a field, such as {}=value or {}__ne=value"
_BRACKETS: Final = re.compile(
    r"(?P<name>[^\[\]]*)\[(?P<inner>[^\[\]]*)\](?:\[(?P<last>[^\[\]]*)\])?"
)
_SYMBOL: Final = re.compile(r"(?P<name>[\w.]+?)\s*(?P<operator>[<>]=?|!|~|<>).*", re.DOTALL)
_ENCLOSING: Final = frozenset({"filter", "filters", "where", "q", "criteria"})
_POSTGREST: Final = re.compile(r"(?:not\.)?(eq|neq|gt|gte|lt|lte|like|ilike|in|is)\.")


@dataclass(frozen=True, slots=True)
class ParameterSuggestions:
    """Suggestions for the unknown parameters of one resource.

    Attributes:
        lookup: The fields that can be filtered.
        parameters: The names of the resource's other parameters, by purpose.
    """

    lookup: FieldLookup
    parameters: Mapping[str, str]

    def suggest(self, name: str, listed: Collection[str]) -> str | None:
        """Return what was probably meant by an unknown parameter; None if nothing is similar.

        Args:
            name: The unknown parameter.
            listed: The known parameters apart from fields.
        """
        shown = name[:SHOWN]
        found = self._unsupported(shown) or self._parameter(shown) or self._with_operator(shown)
        if found is not None:
            return found
        similar = most_similar(shown, dict.fromkeys([*listed, *self._some_names()]))
        return similar and (self._unsupported(similar) or similar)

    def _unsupported(self, name: str) -> str | None:
        """Return a field with an operator if it needs one, as those of JSON do; else None."""
        found = self._field(name)
        if found is None or EQUALS.supports(found[1]):
            return None
        return _with_supported_operator(*found, EQUALS.name)

    def _parameter(self, name: str) -> str | None:
        """Return our parameter for a parameter of another API."""
        purpose = FOREIGN_PARAMETERS.get(_normalized(name))
        if purpose == "filter":
            first = next(iter(self.lookup.fields), None)
            return None if first is None else _FILTER.format(first, first)
        return None if purpose is None else self.parameters.get(purpose)

    def _with_operator(self, name: str) -> str | None:
        """Return our spelling of a field with another API's operator, or with a misspelt one."""
        splits = list(_splits(name))
        for find, (bare, suffix) in product((self._field, self._similar_field), splits):
            found = find(bare)
            if found is None:
                continue
            if not suffix and EQUALS.supports(found[1]):
                return found[0]
            return _with_supported_operator(*found, suffix or EQUALS.name)
        return None

    def _field(self, name: str) -> tuple[str, Field] | None:
        """Return a name and its field; None if it is unknown."""
        target = self.lookup.find(name)
        return None if target is None else (name, target.field)

    def _similar_field(self, name: str) -> tuple[str, Field] | None:
        """Return the most similar name and its field; None if none is very similar."""
        similar = most_similar(name, list(self._some_names()), _VERY_SIMILAR)
        return None if similar is None else self._field(similar)

    def _some_names(self) -> Iterator[str]:
        return (name for name, _ in islice(self.lookup.all(), _MAX_COMPARED))


def translate_postgrest_filter(name: str, text: str) -> str | None:
    """Return our spelling of a filter in PostgREST's, ``name=gt.5``; None for other filters."""
    found = _POSTGREST.match(text)
    if found is None or SEPARATOR in name:
        return None
    return f"{name}{SEPARATOR}{FOREIGN_OPERATORS[found[1]]}={text[found.end() :][:SHOWN]}"


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to split a parameter into a name and an operator.

    The forms are ``a__b``, ``a[b]``, ``f[a][b]``, ``a>``, ``a.b`` and ``a:b``.
    """
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
        # The = of a>=5 was parsed as the one between name and value.
        yield name, f"{operator}=" if symbol.end("operator") == symbol.end() else operator
    for separator in (".", ":"):
        if separator in name:
            bare, _, suffix = name.rpartition(separator)
            if _normalized(suffix) in FOREIGN_OPERATORS:
                yield bare, suffix


def _with_supported_operator(name: str, field: Field, suffix: str) -> str:
    """Return a name with our operator for another API's or a misspelt one, or with all of them."""
    supported = [name for name, operator in OPERATORS.items() if operator.supports(field)]
    known = FOREIGN_OPERATORS.get(_normalized(suffix)) or most_similar(suffix, supported)
    if len(supported) == 1:
        (known,) = supported
    if known in supported:
        return f"{name}{SEPARATOR}{known}"
    return f"{name}{SEPARATOR} and one of {', '.join(supported)}"


def _normalized(name: str) -> str:
    return name.lower().translate(_IGNORED)


_IGNORED: Final = str.maketrans("", "", "_-$ ")
