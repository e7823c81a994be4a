"""The parser of one resource's lists.

Finale's language with its defects fixed: ``field=value`` filters, a repeated key or a JSON array
means any of them, ``null`` means null; ``q`` searches, ``sort`` orders, ``count``, ``offset`` and
``page`` page. Beyond Finale: operators (``price__gte=5``), groups (``or=a=1|b__gt=2``,
``not=a=1``), sparse rows (``fields=id,name``). A parameter that nobody knows is an error that
names the nearest one: a misspelt filter must not list everything.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

from encore.errors import BadRequest, InvalidQuery
from encore.http.short_input_cache import cache_short_inputs
from encore.query.field_lookup import FieldLookup, FieldPath, Preset, Search
from encore.query.filters import (
    Condition,
    ListQuery,
    Not,
    Or,
    Order,
    OrderTerm,
    RawOrder,
    StatementKey,
)
from encore.query.limits import MAX_CONDITIONS, QueryLimits
from encore.query.page_parameters import OFFSET, PAGING, PagingRules, parse_page
from encore.query.page_parameters import PARAMETERS as PAGE_PARAMETERS
from encore.query.pagination import build_pagination
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.query.parameter_suggestions import ParameterSuggestions
from encore.query.value_parsing import (
    ParsedCondition,
    parse_condition,
    parse_indexed_search,
    parse_search,
)

MAX_PARAMETERS: Final = 200
MAX_QUERY_BYTES: Final = 16_384
PRESET: Final = "preset"
FIELDS: Final = "fields"
CHILDREN: Final = "children"
OR_PARAMETER: Final = "or"
NOT_PARAMETER: Final = "not"
_KEPT_QUERIES: Final = 1_024

QueryPairs = tuple[tuple[str, str], ...]


def parse_pairs(query_string: bytes) -> QueryPairs:
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


class QueryParser:
    """Reads the query strings of one resource's list.

    Args:
        names: What may be filtered by.
        searches: The search parameters.
        presets: The named conditions.
        sortable: What may be sorted by, under the names that the sort parameter uses.
        sort_parameter: The name of the sort parameter.
        default_sort: The order where none is asked for, as the sort parameter would say it.
        own_order: The order that the model gives, where neither of the two says one.
        tie_breakers: What every order ends with, so that paging is stable: the primary key.
        paging: Without pagination there is no limit, and there are no ``count`` and ``page``.
        preset_parameters: The parameters that choose presets.
    """

    def __init__(
        self,
        names: FieldLookup,
        *,
        searches: tuple[Search, ...],
        presets: tuple[Preset, ...] = (),
        sortable: dict[str, FieldPath],
        sort_parameter: str = "sort",
        default_sort: str = "",
        own_order: tuple[RawOrder, ...] = (),
        tie_breakers: tuple[FieldPath, ...],
        paging: PagingRules = PAGING,
        preset_parameters: tuple[str, ...] = (PRESET,),
    ) -> None:
        self._names = names
        self._searches = {search.parameter: search for search in searches}
        self._presets = {preset.name: preset for preset in presets}
        self.sortable = sortable
        self._sort_parameter = sort_parameter
        self._default_sort = default_sort
        self._own_order = own_order
        self._tie_breakers = tie_breakers
        self._paging = paging
        self._chooses = _preset_parameters(names, presets, preset_parameters)
        self._conditions = frozenset((*self._chooses, OR_PARAMETER, NOT_PARAMETER))
        self._limits = QueryLimits(max((len(search.targets) for search in searches), default=0))
        pages = PAGE_PARAMETERS if paging.paginated else (OFFSET,)
        reserved = [sort_parameter, *pages, FIELDS, OR_PARAMETER, NOT_PARAMETER, *self._chooses]
        if names.relations:
            reserved.append(CHILDREN)
        self.reserved = frozenset(reserved)
        self._listed = (*names.fields, *self._searches, *reserved)
        self._hints = ParameterSuggestions(names, self._purposes())
        # Parsing is a pure function of the text, and the same lists are asked for again and again.
        self.parse = cache_short_inputs(_KEPT_QUERIES)(self._parse)
        self.parse_of_one = cache_short_inputs(_KEPT_QUERIES)(self._parse_of_one)

    def _purposes(self) -> dict[str, str]:
        """Return the names of the parameters by what they are for, as far as there are any."""
        purposes = {name: name for name in self.reserved}
        purposes["sort"] = self._sort_parameter
        first = next(iter(self._searches), None)
        return purposes if first is None else {**purposes, "search": first}

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
        for name, text in parse_pairs(query_string):
            given.setdefault(name, []).append(text)
        conditions: list[Condition] = []
        values: list[Any] = []
        narrowing: list[str] = []
        for name, texts in given.items():
            if name in self.reserved and name not in self._conditions:
                continue  # A field of that name is out-shone; it is reached as name__eq.
            for condition, bound in self._read(name, texts, lenient=lenient):
                conditions.append(condition)
                values.extend(bound)
                narrowing.append(name)
        self._limits.check(conditions, values)
        count, offset, page = parse_page(given, self._paging)
        order = self._order(given.get(self._sort_parameter))
        paginated = self._paging.paginated
        return ListQuery(
            StatementKey(tuple(conditions), order),
            tuple(values),
            count,
            offset,
            shown=self._shown(given.get(FIELDS)),
            children=self._children(given.get(CHILDREN)),
            pagination=build_pagination(given, narrowing, order, page) if paginated else None,
        )

    def _parse_of_one(self, query_string: bytes, *, lenient: bool = False) -> ListQuery:
        """Read the query string of an action on one row: a preset, fields and children.

        Raises:
            InvalidQuery: Any other parameter, or a value that does not fit.
        """
        others = [name for name in (FIELDS, CHILDREN) if name in self.reserved]
        known = [*self._chooses, *others]
        given: dict[str, list[str]] = {}
        for name, text in parse_pairs(query_string):
            if name in known:
                given.setdefault(name, []).append(text)
            elif not lenient:
                raise unknown_parameter(name, known)
        presets = [
            self._preset(text, name)[0]
            for name in self._chooses
            for text in dict.fromkeys(given.get(name, ()))
        ]
        return ListQuery(
            StatementKey(tuple(dict.fromkeys(presets))),
            (),
            count=1,
            offset=0,
            shown=self._shown(given.get(FIELDS)),
            children=self._children(given.get(CHILDREN)),
        )

    @staticmethod
    def refuse_all(query_string: bytes) -> None:
        """Refuse the first parameter of an action that has none. Raises ``InvalidQuery``."""
        for name, _ in parse_pairs(query_string):
            raise unknown_parameter(name, ())

    def _read(self, name: str, texts: list[str], *, lenient: bool) -> list[ParsedCondition]:
        """Read the conditions of one parameter."""
        if name in self._searches:
            return [self._search(self._searches[name], text) for text in texts if text]
        if name in self._chooses:
            return [self._preset(text, name) for text in dict.fromkeys(texts)]
        if name == OR_PARAMETER:
            return [self._any(text) for text in texts]
        if name == NOT_PARAMETER:
            return [self._negated(text) for text in texts]
        resolved = self._names.resolve(name)
        if resolved is None:
            if lenient:
                return []
            raise self.unknown(name)
        return [parse_condition(name, *resolved, texts)]

    def unknown(self, name: str) -> InvalidQuery:
        """Make the error for a parameter that nobody knows."""
        return unknown_parameter(name, self._listed, self._hints.nearest(name, self._listed))

    @staticmethod
    def _search(search: Search, text: str) -> ParsedCondition:
        """Read a search; fields that cannot hold the text don't match, but one must be able to."""
        if search.index is not None:
            return parse_indexed_search(search.parameter, search.index, text)
        read, refused = [], None
        for target in search.targets:
            try:
                read.append(parse_search(search, target, text))
            except InvalidQuery as error:
                refused = refused or error
        if refused is not None and not read:
            raise refused
        return Or(tuple(c for c, _ in read)), [v for _, values in read for v in values]

    def _preset(self, name: str, parameter: str) -> ParsedCondition:
        preset = self._presets.get(name)
        if preset is None:
            raise invalid_parameter(
                parameter, f"must be one of {', '.join(self._presets) or 'none'}"
            )
        return preset.condition, []

    def _any(self, text: str, group: str = OR_PARAMETER) -> ParsedCondition:
        """Read ``a=1|b__gt=2``: one of them suffices."""
        parts = text.split("|")
        if len(parts) > MAX_CONDITIONS:
            raise invalid_parameter(group, f"may hold at most {MAX_CONDITIONS} conditions")
        read = [self._part(group, part) for part in parts]
        return Or(tuple(c for c, _ in read)), [v for _, values in read for v in values]

    def _negated(self, text: str) -> ParsedCondition:
        condition, values = self._any(text, NOT_PARAMETER)
        return Not(condition), values

    def _part(self, group: str, text: str) -> ParsedCondition:
        name, equals, value = text.partition("=")
        if not equals:
            raise invalid_parameter(group, "must hold conditions such as name=value")
        if name in self._searches or name in self._conditions or name == PRESET:
            raise invalid_parameter(group, f"must hold filters by fields, {name} is none")
        resolved = self._names.resolve(name)
        if resolved is None:
            raise self.unknown(name)
        return parse_condition(name, *resolved, [value])

    def _order(self, given: list[str] | None) -> tuple[Order, ...]:
        """Read ``a,-b``; the primary key always comes last, so that paging is stable."""
        if given is None:
            names = self._default_sort.split(",") if self._default_sort else []
        else:
            names = ",".join(given).split(",")
        refused = [name for name in map(_bare, names) if name not in self.sortable]
        if refused:
            raise BadRequest(
                "Sorting not allowed on given attributes", [name[:100] for name in refused]
            )
        own = () if names else self._own_order
        terms: dict[FieldPath, OrderTerm] = {}
        for name in names:
            target = self.sortable[_bare(name)]
            relation = target.path[0] if target.path else None
            terms.setdefault(target, OrderTerm(target.field, name.startswith("-"), relation))
        for target in self._tie_breakers:
            terms.setdefault(target, OrderTerm(target.field))
        return (*own, *terms.values())

    def _shown(self, given: list[str] | None) -> frozenset[str] | None:
        """Read ``fields=id,name``: what of each row is wanted, by Python attribute."""
        if given is None:
            return None
        names = ",".join(given).split(",")
        fields = self._names.fields
        for name in names:
            if name not in fields and name not in self._names.relations:
                raise invalid_parameter(
                    FIELDS, f"may name {', '.join([*fields, *self._names.relations])}"
                )
        return frozenset(fields[name].attribute if name in fields else name for name in names)

    def _children(self, given: list[str] | None) -> frozenset[str] | None:
        """Read ``children=a|b``: the relations to embed."""
        if given is None:
            return None
        names = frozenset(name for text in given for name in text.split("|") if name)
        for name in names:
            if name not in self._names.relations:
                raise invalid_parameter(CHILDREN, f"may name {', '.join(self._names.relations)}")
        return names


def _preset_parameters(
    names: FieldLookup, presets: tuple[Preset, ...], parameters: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the parameters that choose presets; without presets, none that a field is called.

    Any but the first is another API's word for it, and is refused where there are no presets: to
    ignore it would show rows that the caller meant to leave out.
    """
    if presets:
        return parameters
    return tuple(name for name in parameters[1:] if name not in names.fields)


def _bare(name: str) -> str:
    return name.removeprefix("-")
