"""The language of ra-data-simple-rest, react-admin's client for simple REST APIs.

``filter={"name":"x"}``, ``range=[0,24]``, both ends included, and ``sort=["name","ASC"]`` are JSON
in the query; ``embed="author"`` is what its ``meta.embed`` sends. In a filter an array means any of
its values, null is null, an object leads through a relation (``{"author":{"name":"x"}}``), and the
operators are FakeRest's, the server that this language comes from: ``price_gte``.

The header ``Range`` repeats ``range``, which browsers need to return ``Content-Range``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from encore.dialects.conditions import (
    AT_LEAST,
    AT_MOST,
    LESS,
    MORE,
    DialectOperator,
    contains_any,
    differs_from_all,
    equals_any,
    find_operator,
)
from encore.dialects.selection import (
    Selection,
    Window,
    check_sortable,
    embedded,
    page_window,
)
from encore.errors import InvalidQuery
from encore.query.field_lookup import MAX_DEPTH
from encore.query.filters import ListQuery
from encore.query.operators import EQUALS, ILIKE, OPERATORS
from encore.query.page_parameters import QueryParameters
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import QueryPairs, QueryParser
from encore.query.value_parsing import ParsedCondition
from encore.strict_json import strict_decoder
from encore.suggestions import SHOWN, suggest

NAME: Final = "react-admin"
FILTER: Final = "filter"
RANGE: Final = "range"
SORT: Final = "sort"
EMBED: Final = "embed"
PARAMETERS: Final = (FILTER, RANGE, SORT, EMBED)

_SIGNS: Final = (FILTER, RANGE, EMBED)
_SEVERAL: Final = ("", "_eq_any", "_neq_any")
"""The operators that an array may follow."""

_ORDERS: Final = {"asc": "", "desc": "-"}
_RANGE_HEADER: Final = re.compile(rb"\s*(?!bytes=)[^=\s]+=(\d{1,15})-(\d{1,15})\s*")
_values: Final = strict_decoder(parse_int=str, parse_float=str)
"""Decodes numbers as text, which fields parse."""

_plain: Final = strict_decoder()
Values = list[str | None]

OPERATORS_BY_SUFFIX: Final[Mapping[str, DialectOperator]] = {
    operator.suffix: operator
    for operator in (
        DialectOperator("", EQUALS, equals_any),
        DialectOperator("_neq_any", EQUALS, differs_from_all),
        DialectOperator("_eq_any", EQUALS, equals_any),
        DialectOperator("_neq", EQUALS, differs_from_all),
        DialectOperator("_eq", EQUALS, equals_any),
        DialectOperator("_gte", OPERATORS["gte"], AT_LEAST),
        DialectOperator("_lte", OPERATORS["lte"], AT_MOST),
        DialectOperator("_gt", OPERATORS["gt"], MORE),
        DialectOperator("_lt", OPERATORS["lt"], LESS),
        DialectOperator("_q", ILIKE, contains_any),
    )
}


class ReactAdmin:
    """The dialect for one resource.

    Args:
        parser: The parser of the resource's own queries.

    Attributes:
        name: The name of the dialect, for messages.
        parameters: The parameters that it has.
        embeds: Those of them that embed relations, also in a row.
        operators: The operators by suffix.
    """

    name: str = NAME
    parameters: tuple[str, ...] = PARAMETERS
    embeds: tuple[str, ...] = (EMBED,)
    operators: Mapping[str, DialectOperator] = OPERATORS_BY_SUFFIX

    def __init__(self, parser: QueryParser) -> None:
        self._parser = parser

    def find_sign(self, pairs: QueryPairs) -> str | None:
        """Return the parameter by which a query is in this dialect; None if it is not."""
        for name, text in pairs:
            if name in _SIGNS or (name == SORT and text[:1] == "["):
                return name
        return None

    def parse(self, pairs: QueryPairs, sign: str, *, lenient: bool) -> Selection:
        """Parse a query.

        Args:
            pairs: Its names and values.
            sign: The parameter by which it is in this dialect.
            lenient: Whether to ignore unknown members of the filter.

        Raises:
            InvalidQuery: A parameter is unknown, belongs to another language, or is invalid.
            BadRequest: A field cannot be sorted by.
        """
        found: dict[str, str] = {}
        for name, text in pairs:
            if name not in PARAMETERS:
                raise invalid_parameter(
                    name,
                    f"cannot be combined with {sign}, which is a parameter of {NAME}:"
                    f" conditions are members of {FILTER}",
                )
            if name in found:
                raise invalid_parameter(name, "must be given once")
            found[name] = text
        return Selection(
            tuple(self._conditions(found[FILTER], lenient=lenient)) if FILTER in found else (),
            self._order(found[SORT]) if SORT in found else None,
            self._window(found[RANGE]) if RANGE in found else None,
            self.parse_embed({EMBED: [found[EMBED]]}) if EMBED in found else None,
        )

    def _conditions(self, text: str, *, lenient: bool) -> Iterator[ParsedCondition]:
        """Parse ``filter``."""
        members = _decode(FILTER, text, numbers_as_text=True)
        if not isinstance(members, dict):
            raise invalid_parameter(FILTER, 'must be a JSON object such as {"name":"x"}')
        for name, value in _flattened(members):
            if name in self._parser.searches:
                if term := _term(name, value):
                    yield self._parser.search(name, term)
                continue
            found = find_operator(self._parser.lookup, OPERATORS_BY_SUFFIX, name)
            if found is not None:
                target, operator = found
                if isinstance(value, list) and operator.suffix not in _SEVERAL:
                    raise _invalid_member(name, "must be one value, not an array")
                yield operator.build(_label(name), target, _texts(name, value))
            elif not lenient:
                raise self._unknown(name)

    def _unknown(self, name: str) -> InvalidQuery:
        lookup, searches = self._parser.lookup, self._parser.searches
        if lookup.resolve(name) is not None:
            operators = ", ".join(filter(None, OPERATORS_BY_SUFFIX))
            return _invalid_member(name, f"has no meaning in {NAME}: its operators are {operators}")
        hint = suggest(name, [*lookup.fields, *searches])
        return _invalid_member(name, f"is not a field with this operator; {hint}")

    def _order(self, text: str) -> tuple[str, ...]:
        """Parse ``sort``."""
        match _decode(SORT, text):
            case [str(name), str(order)] if order.lower() in _ORDERS:
                check_sortable(self._parser, [name])
                return (f"{_ORDERS[order.lower()]}{name}",)
        raise invalid_parameter(SORT, 'must be a JSON array such as ["name","ASC"]')

    def _window(self, text: str) -> Window:
        """Parse ``range``; it is empty if the last row is the one before the first."""
        match _decode(RANGE, text):
            case [int(first), int(last)] if not (isinstance(first, bool) or isinstance(last, bool)):
                if first >= 0 and last >= first - 1:
                    return page_window(self._parser, RANGE, first, last - first + 1)
        raise invalid_parameter(
            RANGE, "must be a JSON array of the first and the last row, from 0, such as [0,24]"
        )

    def parse_embed(self, parameters: QueryParameters) -> frozenset[str] | None:
        """Parse ``embed="author"`` and ``embed=["author","publisher"]``."""
        texts = parameters.get(EMBED)
        if texts is None:
            return None
        if len(texts) > 1:
            raise invalid_parameter(EMBED, "must be given once")
        names = _decode(EMBED, texts[0])
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise invalid_parameter(EMBED, 'must be JSON: "author" or ["author","publisher"]')
        return embedded(self._parser, EMBED, names)


def check_range_header(header: bytes, query: ListQuery) -> None:
    """Raise ``InvalidQuery`` if the header ``Range`` names other rows than ``range``.

    Headers in another form are ignored, as RFC 9110 (section 14.2) prescribes.
    """
    match = _RANGE_HEADER.fullmatch(header)
    if match is None:
        return
    first, last = int(match[1]), int(match[2])
    if (first, last) != (query.offset, query.offset + query.count - 1):
        raise invalid_parameter(RANGE, f"and the header Range ({first}-{last}) name different rows")


def _decode(parameter: str, text: str, *, numbers_as_text: bool = False) -> Any:
    try:
        decoded = (_values if numbers_as_text else _plain).decode(text)
        json.dumps(decoded, ensure_ascii=False).encode()  # Escapes may be lone surrogates.
    except (ValueError, RecursionError) as error:
        raise invalid_parameter(parameter, "must be JSON") from error
    return decoded


def _flattened(
    members: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield the members with dotted names: ``{"author": {"name": "x"}}`` has ``author.name``."""
    for name, value in members.items():
        if not isinstance(value, dict):
            yield prefix + name, value
        elif value and depth < MAX_DEPTH:
            yield from _flattened(value, f"{prefix}{name}.", depth + 1)
        else:
            reason = "is nested too deeply" if value else "must not be an empty object"
            raise _invalid_member(prefix + name, reason)


def _texts(name: str, value: Any) -> Values:
    """Return the values of a member as text."""
    return [_text(name, item) for item in (value if isinstance(value, list) else [value])]


def _text(name: str, value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case None | str():
            return value
    raise _invalid_member(name, "must be a string, a number, true, false, null or an array of them")


def _term(name: str, value: Any) -> str:
    """Return the text of a search."""
    text = None if isinstance(value, list) else _text(name, value)
    if text is None:
        raise _invalid_member(name, "must be a string")
    return text


def _label(name: str) -> str:
    return f"{FILTER}.{name[:SHOWN]}"


def _invalid_member(name: str, reason: str) -> InvalidQuery:
    return invalid_parameter(_label(name), reason)
