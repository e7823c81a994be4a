"""The query language: from a URL's query string to a ``ListQuery``.

Finale's, with its defects fixed: ``field=value`` filters, a repeated key or a JSON array means any
of them, ``null`` means null; ``q`` searches, ``sort`` orders, ``count``, ``offset`` and ``page``
page. A parameter that nobody knows is an error that names the nearest one: a misspelt filter must
not list everything.
"""

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from api.crud.criteria import Condition, Contains, Equals, In, IsNull, ListQuery, OrderTerm, Shape
from api.crud.fields import Field, Fields
from api.crud.values import Refusal, check_text
from api.errors import BadRequest, InvalidQuery
from db.matching import pattern_containing

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 1_000
MAX_OFFSET: Final = 2**63 - 1
MAX_PARAMETERS: Final = 100
MAX_CHOICES: Final = 500
"""The most values one filter may offer as alternatives."""

MAX_QUERY_BYTES: Final = 16_384

_KEPT_QUERIES = 1_024
PAGE_PARAMETERS: Final = ("count", "offset", "page")
Pairs = tuple[tuple[str, str], ...]


def parse_pairs(query_string: bytes) -> Pairs:
    """Split a query string (``application/x-www-form-urlencoded``) into names and values.

    Raises:
        InvalidQuery: Too long, too many parameters, or not UTF-8.
    """
    if not query_string:
        return ()
    if len(query_string) > MAX_QUERY_BYTES:
        raise InvalidQuery(f"The query may hold at most {MAX_QUERY_BYTES} bytes")
    try:
        return tuple(
            parse_qsl(
                query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_PARAMETERS,
            )
        )
    except UnicodeError as error:
        raise InvalidQuery("The query must be percent-encoded UTF-8") from error
    except ValueError as error:
        raise InvalidQuery(f"The query may hold at most {MAX_PARAMETERS} parameters") from error


def unknown_parameter(name: str, known: tuple[str, ...]) -> InvalidQuery:
    """Make the error for a parameter that nobody knows, naming the nearest one that is."""
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known) or 'none'}"
    shown = name[:100]
    return InvalidQuery(
        f"Unknown query parameter {shown!r}: {hint}",
        [{"field": shown, "message": f"{shown} is not a parameter of this operation; {hint}"}],
    )


@dataclass(frozen=True, slots=True)
class Search:
    """One search parameter: the text it is given must stand in one of the fields."""

    parameter: str
    fields: tuple[Field, ...]


class QueryParser:
    """Reads the query strings of one resource's list.

    Args:
        fields: What may be filtered by, under the names that queries use.
        searches: The search parameters.
        sortable: What may be sorted by.
        sort_parameter: The name of the sort parameter.
        default_sort: The order where none is asked for, as the sort parameter would say it.
        paginated: Without pagination there is no limit, and ``count`` means nothing, as in Finale.
    """

    def __init__(
        self,
        fields: Fields,
        *,
        searches: tuple[Search, ...],
        sortable: tuple[Field, ...],
        sort_parameter: str = "sort",
        default_sort: str = "",
        paginated: bool = True,
    ) -> None:
        self._filters = dict(fields.by_name)
        self._key = fields.key
        self._searches = {search.parameter: search for search in searches}
        self._sortable = {field.name: field for field in sortable}
        self._sort_parameter = sort_parameter
        self._default_sort = default_sort
        self._paginated = paginated
        self.known = (*self._filters, *self._searches, sort_parameter, *PAGE_PARAMETERS)
        # Parsing is a pure function of the text, and the same lists are asked for again and again.
        self.parse = lru_cache(_KEPT_QUERIES)(self._parse)

    def _parse(self, query_string: bytes, *, lenient: bool = False) -> ListQuery:
        """Read a query string.

        Args:
            query_string: As it stands in the URL, percent-encoded.
            lenient: Pass over unknown parameters (``Prefer: handling=lenient``, RFC 7240).

        Raises:
            InvalidQuery: An unknown parameter, or a value that does not fit; names the parameter.
            BadRequest: A sort that is not allowed, in Finale's words.
        """
        given: dict[str, list[str]] = {}
        for name, value in parse_pairs(query_string):
            given.setdefault(name, []).append(value)
        conditions: list[Condition] = []
        values: list[Any] = []
        for name, texts in given.items():
            if name == self._sort_parameter or name in PAGE_PARAMETERS:
                continue  # A column of that name is out-shone by the parameter.
            if name in self._searches:
                self._search(self._searches[name], texts, conditions, values)
            elif name in self._filters:
                self._filter(self._filters[name], texts, conditions, values)
            elif not lenient:
                raise unknown_parameter(name, self.known)
        count, offset = self._page(given)
        order = self._order(given.get(self._sort_parameter))
        return ListQuery(Shape(tuple(conditions), order), tuple(values), count, offset)

    @staticmethod
    def _search(
        search: Search, texts: list[str], conditions: list[Condition], values: list[Any]
    ) -> None:
        for text in texts:
            if not text:
                continue
            conditions.append(Contains(search.fields))
            pattern = pattern_containing(_checked(search.parameter, text))
            values.extend(pattern for _ in search.fields)

    @staticmethod
    def _filter(
        field: Field, texts: list[str], conditions: list[Condition], values: list[Any]
    ) -> None:
        choices = [choice for text in texts for choice in _choices(field, text)]
        if len(choices) > MAX_CHOICES:
            raise _bad_value(field.name, f"takes at most {MAX_CHOICES} values")
        bound = [field.codec.driver_value(choice) for choice in choices if choice is not None]
        values.extend(bound)
        if len(choices) == 1:
            conditions.append(Equals(field) if bound else IsNull(field))
        else:
            conditions.append(In(field, len(bound), or_null=len(bound) < len(choices)))

    def _page(self, given: dict[str, list[str]]) -> tuple[int, int]:
        """Read count, offset and page: page numbers begin at 0, and page and offset add up."""
        count = _whole(given, "count", DEFAULT_COUNT)
        if count < 1:  # Finale's: zero and less mean the default.
            count = DEFAULT_COUNT
        count = min(count, MAX_COUNT)
        offset = _natural(given, "offset") + _natural(given, "page") * count
        if offset > MAX_OFFSET:
            raise _bad_value("offset", f"must not lead beyond row {MAX_OFFSET}")
        return (count if self._paginated else MAX_OFFSET), offset

    def _order(self, given: list[str] | None) -> tuple[OrderTerm, ...]:
        """Read ``a,-b``; the primary key always comes last, so that paging is stable."""
        if given is None:
            names = self._default_sort.split(",") if self._default_sort else []
        else:
            names = ",".join(given).split(",")
        refused = [name for name in map(_bare, names) if name not in self._sortable]
        if refused:
            raise BadRequest(
                "Sorting not allowed on given attributes", [name[:100] for name in refused]
            )
        terms: dict[Field, OrderTerm] = {}
        for name in names:
            field = self._sortable[_bare(name)]
            terms.setdefault(field, OrderTerm(field, name.startswith("-")))
        for field in self._key:
            terms.setdefault(field, OrderTerm(field))
        return tuple(terms.values())


def _bare(name: str) -> str:
    return name.removeprefix("-")


def _choices(field: Field, text: str) -> list[Any]:
    """Read one given value: ``null``, a JSON array or string, or the value as it stands.

    A JSON string is for text that would mean something else: ``"null"``, ``"[1]"``.
    """
    if text == "null":
        return [None]
    if text[:1] in ("[", '"'):
        match _json(text):
            case list(items):
                return [None if item is None else _from_json(field, item) for item in items]
            case str(string):
                return [_from_json(field, string)]
    try:
        return [field.codec.from_text(text)]
    except Refusal as refusal:
        raise _bad_value(field.name, str(refusal)) from refusal


def _from_json(field: Field, item: Any) -> Any:
    try:
        return field.codec.from_json(item)
    except Refusal as refusal:
        raise _bad_value(field.name, str(refusal)) from refusal


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _checked(name: str, text: str) -> str:
    try:
        return check_text(text)
    except Refusal as refusal:
        raise _bad_value(name, str(refusal)) from refusal


def _whole(given: dict[str, list[str]], name: str, default: int) -> int:
    texts = given.get(name)
    if texts is None:
        return default
    text = texts[-1]
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 30):  # noqa: PLR2004
        raise _bad_value(name, "must be a whole number")
    return int(text)


def _natural(given: dict[str, list[str]], name: str) -> int:
    number = _whole(given, name, 0)
    if number < 0:
        raise _bad_value(name, "must not be negative")
    return number


def _bad_value(name: str, text: str) -> InvalidQuery:
    return InvalidQuery(f"{name} {text}", [{"field": name, "message": f"{name} {text}"}])
