"""The parser of query strings for one resource.

The language is Finale's, with its defects fixed: ``field=value`` filters, a repeated parameter or a
JSON array means any of the values, ``null`` means null; ``q`` searches, ``sort`` sorts, ``count``,
``offset`` and ``page`` paginate. Beyond Finale there are operators (``price__gte=5``), groups
(``or=a=1|b__gt=2``, ``not=a=1``) and sparse fieldsets (``fields=id,name``). An unknown parameter is
an error that suggests a similar one: a misspelt filter must not list everything.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from encore.database.soft_deletes import DeletedRows
from encore.errors import BadRequest, InvalidQuery
from encore.http.short_input_cache import cache_short_inputs
from encore.query.as_of import AS_OF, parse_as_of
from encore.query.field_lookup import FieldLookup, FieldPath, Preset, Search
from encore.query.filters import (
    Condition,
    FilterQuery,
    ListQuery,
    Not,
    Or,
    Order,
    OrderTerm,
    RawOrder,
    StatementKey,
)
from encore.query.limits import MAX_CONDITIONS, QueryLimits
from encore.query.page_parameters import OFFSET, PAGING, PagingRules, QueryParameters, parse_page
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
DELETED: Final = "deleted"
OR_PARAMETER: Final = "or"
NOT_PARAMETER: Final = "not"
DELETED_ROWS: Final = {rows.value: rows for rows in (DeletedRows.WITH, DeletedRows.ONLY)}
"""The values of the parameter ``deleted``."""

_CACHED_QUERIES: Final = 1_024
"""How many parsed query strings of a resource are cached, short ones only."""

QueryPairs = tuple[tuple[str, str], ...]


def parse_pairs(query_string: bytes) -> QueryPairs:
    """Split a query string (``application/x-www-form-urlencoded``) into names and values.

    Raises:
        InvalidQuery: Too long, too many parameters, or not UTF-8.
    """
    if not query_string:
        return ()
    if len(query_string) > MAX_QUERY_BYTES:
        raise InvalidQuery(f"The query may have at most {MAX_QUERY_BYTES} bytes")
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
        raise InvalidQuery(f"The query may have at most {MAX_PARAMETERS} parameters") from error


class QueryParser:
    """Parses the query strings of one resource.

    Args:
        lookup: The fields that can be filtered.
        searches: The search parameters.
        presets: The named conditions.
        sortable: The sortable fields, by their names in the sort parameter.
        sort_parameter: The name of the sort parameter.
        default_sort: The default value of the sort parameter.
        model_order: The order if both are empty: that of a relationship.
        tie_breakers: The primary key, with which every order ends so that pages are stable.
        paging: The rules of pagination.
        preset_parameters: The names of the parameters that choose presets.
        reads_past: Whether there is a parameter for the time of the rows (``as_of``).
        soft_deletes: Whether the rows are soft-deleted, so that ``deleted`` is a parameter.

    Attributes:
        lookup: As given.
        searches: The search parameters, by name.
        sortable: As given.
        paging: As given.
        limits: The limits of one query.
        reserved: The names of all parameters that are not filters or searches.
        parse: Parses the query string of a list, with a cache (``_parse_list``).
        parse_row: Parses the query string of an action on one row, with a cache (``_parse_row``).
        parse_filters: Parses the query string of an action on all rows that match, with a cache
            (``_parse_filters``).
    """

    def __init__(
        self,
        lookup: FieldLookup,
        *,
        searches: tuple[Search, ...],
        presets: tuple[Preset, ...] = (),
        sortable: dict[str, FieldPath],
        sort_parameter: str = "sort",
        default_sort: str = "",
        model_order: tuple[RawOrder, ...] = (),
        tie_breakers: tuple[FieldPath, ...],
        paging: PagingRules = PAGING,
        preset_parameters: tuple[str, ...] = (PRESET,),
        reads_past: bool = False,
        soft_deletes: bool = False,
    ) -> None:
        self.lookup = lookup
        self.searches = {search.parameter: search for search in searches}
        self._presets = {preset.name: preset for preset in presets}
        self.sortable = sortable
        self._sort_parameter = sort_parameter
        self._default_sort = default_sort
        self._model_order = model_order
        self._tie_breakers = tie_breakers
        self.paging = paging
        self._preset_parameters = _preset_parameters(lookup, presets, preset_parameters)
        self._narrowing = frozenset((*self._preset_parameters, OR_PARAMETER, NOT_PARAMETER))
        self.limits = QueryLimits(max((len(search.targets) for search in searches), default=0))
        pages = PAGE_PARAMETERS if paging.paginated else (OFFSET,)
        reserved = [
            sort_parameter,
            *pages,
            FIELDS,
            OR_PARAMETER,
            NOT_PARAMETER,
            *self._preset_parameters,
        ]
        if lookup.relations:
            reserved.append(CHILDREN)
        if reads_past:
            reserved.append(AS_OF)
        if soft_deletes:
            reserved.append(DELETED)
        self.reserved = frozenset(reserved)
        self._listed = (*lookup.fields, *self.searches, *reserved)
        self._suggestions = ParameterSuggestions(lookup, self._purposes())
        # Parsing is a pure function of the query string, and most query strings repeat.
        self.parse = cache_short_inputs(_CACHED_QUERIES)(self._parse_list)
        self.parse_row = cache_short_inputs(_CACHED_QUERIES)(self._parse_row)
        self.parse_filters = cache_short_inputs(_CACHED_QUERIES)(self._parse_filters)

    def _purposes(self) -> dict[str, str]:
        """Return the names of the existing parameters by purpose, for suggestions."""
        purposes = {name: name for name in self.reserved}
        purposes["sort"] = self._sort_parameter
        first = next(iter(self.searches), None)
        return purposes if first is None else {**purposes, "search": first}

    def _parse_list(self, query_string: bytes, *, lenient: bool = False) -> ListQuery:
        """Parse the query string of a list.

        Args:
            query_string: As in the URL, percent-encoded.
            lenient: Whether to ignore unknown parameters (``Prefer: handling=lenient``, RFC 7240).

        Raises:
            InvalidQuery: An unknown parameter or an invalid value; names the parameter.
            BadRequest: A field that cannot be sorted by, with Finale's message.
        """
        parameters: dict[str, list[str]] = {}
        for name, text in parse_pairs(query_string):
            parameters.setdefault(name, []).append(text)
        conditions: list[Condition] = []
        values: list[Any] = []
        narrowing: list[str] = []
        for name, texts in parameters.items():
            if name in self.reserved and name not in self._narrowing:
                continue  # A field with this name is hidden by the parameter: use name__eq.
            for condition, bound in self._parse_parameter(name, texts, lenient=lenient):
                conditions.append(condition)
                values.extend(bound)
                narrowing.append(name)
        deleted = self._deleted(parameters)
        if deleted is not None:
            narrowing.append(DELETED)
        self.limits.check(conditions, values)
        if (as_of := self._as_of(parameters)) is not None:
            narrowing.append(AS_OF)
        count, offset, page = parse_page(parameters, self.paging)
        order = self._order(parameters.get(self._sort_parameter))
        paginated = self.paging.paginated
        return ListQuery(
            StatementKey(tuple(conditions), order),
            tuple(values),
            count,
            offset,
            shown=self._shown(parameters.get(FIELDS)),
            children=self._children(parameters.get(CHILDREN)),
            pagination=build_pagination(parameters, narrowing, order, page) if paginated else None,
            as_of=as_of,
            deleted=deleted,
        )

    def _parse_row(
        self, query_string: bytes, *, lenient: bool = False, others: tuple[str, ...] = ()
    ) -> ListQuery:
        """Parse the query string of an action on one row: presets, fields, children, time, deleted.

        Args:
            query_string: The query string.
            lenient: Whether unknown parameters are ignored.
            others: The names of parameters that are parsed elsewhere.

        Raises:
            InvalidQuery: Any other parameter, or an invalid value.
        """
        shaping = [name for name in (FIELDS, CHILDREN, AS_OF, DELETED) if name in self.reserved]
        known = [*self._preset_parameters, *shaping]
        parameters: dict[str, list[str]] = {}
        for name, text in parse_pairs(query_string):
            if name in known:
                parameters.setdefault(name, []).append(text)
            elif not lenient and name not in others:
                raise unknown_parameter(name, [*known, *others])
        presets = [
            self._preset(text, name)[0]
            for name in self._preset_parameters
            for text in dict.fromkeys(parameters.get(name, ()))
        ]
        return ListQuery(
            StatementKey(tuple(dict.fromkeys(presets))),
            (),
            count=1,
            offset=0,
            shown=self._shown(parameters.get(FIELDS)),
            children=self._children(parameters.get(CHILDREN)),
            as_of=self._as_of(parameters),
            deleted=self._deleted(parameters),
        )

    def _as_of(self, parameters: QueryParameters) -> datetime | None:
        texts = parameters.get(AS_OF) if AS_OF in self.reserved else None
        return None if texts is None else parse_as_of(texts)

    def _deleted(self, parameters: QueryParameters) -> DeletedRows | None:
        """Parse ``deleted=with`` and ``deleted=only``."""
        texts = parameters.get(DELETED)
        if texts is None or DELETED not in self.reserved:
            return None
        if len(texts) > 1:
            raise invalid_parameter(DELETED, "must be given once")
        deleted = DELETED_ROWS.get(texts[0])
        if deleted is None:
            raise invalid_parameter(DELETED, f"must be one of {', '.join(DELETED_ROWS)}")
        return deleted

    def _parse_filters(self, query_string: bytes, own: tuple[str, ...]) -> FilterQuery:
        """Parse the query string of an action on all rows that match.

        Filters, searches and presets choose the rows. An unknown parameter is always an error: if
        a misspelt filter were ignored, other rows would be written.

        Args:
            query_string: As in the URL, percent-encoded.
            own: The names of the action's own parameters.

        Raises:
            InvalidQuery: An unknown parameter, an invalid value, or a parameter that does not
                choose rows, such as ``sort``; names the parameter.
        """
        parameters: dict[str, list[str]] = {}
        for name, text in parse_pairs(query_string):
            parameters.setdefault(name, []).append(text)
        conditions: list[Condition] = []
        values: list[Any] = []
        for name, texts in parameters.items():
            if name in own:
                continue
            if name in self.reserved and name not in self._narrowing:
                raise invalid_parameter(name, "is not possible here: filters choose the rows")
            for condition, bound in self._parse_parameter(name, texts, lenient=False):
                conditions.append(condition)
                values.extend(bound)
        self.limits.check(conditions, values)
        found = {name: tuple(parameters[name]) for name in own if name in parameters}
        return FilterQuery(tuple(conditions), tuple(values), found)

    @staticmethod
    def reject_all(query_string: bytes, others: tuple[str, ...] = ()) -> None:
        """Raise ``InvalidQuery`` for any parameter except those that are parsed elsewhere."""
        for name, _ in parse_pairs(query_string):
            if name not in others:
                raise unknown_parameter(name, others)

    def _parse_parameter(
        self, name: str, texts: list[str], *, lenient: bool
    ) -> list[ParsedCondition]:
        """Parse the conditions of one parameter."""
        if name in self.searches:
            return [self.search(name, text) for text in texts if text]
        if name in self._preset_parameters:
            return [self._preset(text, name) for text in dict.fromkeys(texts)]
        if name == OR_PARAMETER:
            return [self._or(text) for text in texts]
        if name == NOT_PARAMETER:
            return [self._not(text) for text in texts]
        resolved = self.lookup.resolve(name)
        if resolved is None:
            if lenient:
                return []
            raise self.unknown_parameter(name)
        return [parse_condition(name, *resolved, texts)]

    def unknown_parameter(self, name: str) -> InvalidQuery:
        """Return the error of an unknown parameter, with a suggestion."""
        suggestion = self._suggestions.suggest(name, self._listed)
        return unknown_parameter(name, self._listed, suggestion)

    def search(self, parameter: str, text: str) -> ParsedCondition:
        """Parse a search; fields for which the text is invalid don't match, unless all are."""
        search = self.searches[parameter]
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

    def _or(self, text: str, parameter: str = OR_PARAMETER) -> ParsedCondition:
        """Parse ``a=1|b__gt=2``."""
        filters = text.split("|")
        if len(filters) > MAX_CONDITIONS:
            raise invalid_parameter(parameter, f"may have at most {MAX_CONDITIONS} conditions")
        parsed = [self._filter(parameter, filter_) for filter_ in filters]
        return Or(tuple(c for c, _ in parsed)), [v for _, values in parsed for v in values]

    def _not(self, text: str) -> ParsedCondition:
        condition, values = self._or(text, NOT_PARAMETER)
        return Not(condition), values

    def _filter(self, parameter: str, text: str) -> ParsedCondition:
        """Parse one filter inside ``or`` or ``not``."""
        name, equals, value = text.partition("=")
        if not equals:
            raise invalid_parameter(parameter, "must have conditions such as name=value")
        if name in self.searches or name in self._narrowing or name == PRESET:
            raise invalid_parameter(parameter, f"must have filters by fields, {name} is not one")
        resolved = self.lookup.resolve(name)
        if resolved is None:
            raise self.unknown_parameter(name)
        return parse_condition(name, *resolved, [value])

    def _order(self, texts: list[str] | None) -> tuple[Order, ...]:
        """Parse ``a,-b``."""
        return self.order(None if texts is None else ",".join(texts).split(","))

    def order(self, names: Sequence[str] | None) -> tuple[Order, ...]:
        """Return an order; the primary key always comes last, so that pages are stable.

        Args:
            names: The fields, each with ``-`` before it for descending; None for the default.

        Raises:
            BadRequest: A field cannot be sorted by, with Finale's message.
        """
        if names is None:
            names = self._default_sort.split(",") if self._default_sort else []
        unknown = [name for name in map(_without_sign, names) if name not in self.sortable]
        if unknown:
            raise BadRequest(
                "Sorting not allowed on given attributes", [name[:100] for name in unknown]
            )
        model_order = () if names else self._model_order
        terms: dict[FieldPath, OrderTerm] = {}
        for name in names:
            target = self.sortable[_without_sign(name)]
            relation = target.path[0] if target.path else None
            terms.setdefault(target, OrderTerm(target.field, name.startswith("-"), relation))
        for target in self._tie_breakers:
            terms.setdefault(target, OrderTerm(target.field))
        return (*model_order, *terms.values())

    def _shown(self, texts: list[str] | None) -> frozenset[str] | None:
        """Parse ``fields=id,name`` to attributes and relations."""
        if texts is None:
            return None
        names = ",".join(texts).split(",")
        fields = self.lookup.fields
        for name in names:
            if name not in fields and name not in self.lookup.relations:
                raise invalid_parameter(
                    FIELDS, f"may name {', '.join([*fields, *self.lookup.relations])}"
                )
        return frozenset(fields[name].attribute if name in fields else name for name in names)

    def _children(self, texts: list[str] | None) -> frozenset[str] | None:
        """Parse ``children=a|b``, the relations to embed."""
        if texts is None:
            return None
        names = frozenset(name for text in texts for name in text.split("|") if name)
        for name in names:
            if name not in self.lookup.relations:
                raise invalid_parameter(CHILDREN, f"may name {', '.join(self.lookup.relations)}")
        return names


def _preset_parameters(
    lookup: FieldLookup, presets: tuple[Preset, ...], parameters: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the parameters that choose presets; without presets, those that are not fields.

    All but the first are other APIs' names of the parameter. They are rejected if there are no
    presets: ignoring them would return rows that the caller meant to exclude.
    """
    if presets:
        return parameters
    return tuple(name for name in parameters[1:] if name not in lookup.fields)


def _without_sign(name: str) -> str:
    return name.removeprefix("-")
