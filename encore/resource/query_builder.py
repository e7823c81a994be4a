"""Building the query parser of a resource from its search, sort and preset options."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, types

from encore.database.capabilities import SQLITE, Capabilities
from encore.errors import ConfigurationError, InvalidOption
from encore.models.fields import Field
from encore.options import ResourceOptions, SearchOptions
from encore.query import Preset, QueryParser, Search
from encore.query.field_lookup import FieldPath
from encore.query.filters import RawFilter, RawOrder
from encore.query.operators import ILIKE, OPERATORS
from encore.resource.compatibility import STRICT, Compatibility
from encore.resource.search_indexes import indexed_search
from encore.serializers.serializer import Serializer

_STARTS_WITH: Final = "STARTS_WITH"

# Search ignores case on both databases. Finale's names are valid as well.
_SEARCH_OPERATORS: Final[Mapping[str, str]] = {
    **{name: name for name in OPERATORS},
    **dict.fromkeys(("like", "iLike", "substring"), "ilike"),
    **dict.fromkeys(("startswith", "startsWith"), "istartswith"),
    **dict.fromkeys(("endswith", "endsWith"), "iendswith"),
    **dict.fromkeys(("not_like", "not_ilike", "notLike", "notILike"), "ilike"),
    "notIn": "not_in",
}
_NEGATED: Final = frozenset({"not_like", "not_ilike", "notLike", "notILike"})
_STARTING: Final = frozenset({"like", "ilike", "iLike", "startswith", "startsWith"})


class QueryBuilder:
    """Builds the searches and the query parser of one resource.

    Args:
        options: The resource's options.
        serializer: The serializer of its rows; callers may name its fields.
        compatibility: The meaning of the option ``compatible``.
        capabilities: The capabilities of the database.

    Attributes:
        searches: The search parameters.
        presets: The named conditions.

    Raises:
        InvalidOption: From the constructor: a search names a field or operator that does not
            exist.
    """

    def __init__(
        self,
        options: ResourceOptions,
        serializer: Serializer,
        compatibility: Compatibility = STRICT,
        capabilities: Capabilities = SQLITE,
    ) -> None:
        self._options = options
        self._capabilities = capabilities
        self._compatibility = compatibility
        self._serializer = serializer
        self._names = serializer.names
        search = options.search
        searches = (search,) if isinstance(search, SearchOptions) else tuple(search)
        self.searches = tuple(self._search(search) for search in searches)
        self.presets = tuple(self._preset(name, make) for name, make in options.presets.items())

    def parser(self, own_order: Iterable[ColumnElement[Any]] = ()) -> QueryParser:
        """Return the parser.

        Args:
            own_order: The default order of the rows, from the model or the relation.

        Raises:
            InvalidOption: The sort options name a field that does not exist or has no order.
        """
        sort = self._options.sort
        if sort.param in self._compatibility.preset_parameters:
            raise InvalidOption(f"param: {sort.param!r} chooses presets")
        shown = [name for name, field in self._serializer.shown.items() if _has_order(field)]
        sortable = self._field_paths(sort.attributes or shown)
        for name, target in sortable.items():
            if not _has_order(target.field):
                raise InvalidOption(f"{name!r} has no order")
            if len(target.path) > 1 or any(relation.many for relation in target.path):
                raise InvalidOption(
                    f"{name!r} leads through more than one relation, or to many rows"
                )
        for name in filter(None, sort.default.split(",")):
            if name.removeprefix("-") not in sortable:
                raise InvalidOption(f"default: {name!r} is none of {', '.join(sortable)}")
        return QueryParser(
            self._names,
            searches=self.searches,
            presets=self.presets,
            sortable=sortable,
            sort_parameter=sort.param,
            default_sort=sort.default,
            model_order=tuple(RawOrder(term, str(term)) for term in own_order),
            tie_breakers=tuple(FieldPath(field) for field in self._serializer.fields.key),
            paging=replace(self._compatibility.paging, paginated=self._options.pagination),
            preset_parameters=self._compatibility.preset_parameters,
            reads_past=bool(self._options.history),
            soft_deletes=self._options.soft_delete is not None,
        )

    def _preset(self, name: str, make: Callable[[], object]) -> Preset:
        try:
            condition = make()
        except Exception as error:
            message = f"{name}: raised {type(error).__name__}: {error}"
            raise ConfigurationError(self._options.model.__name__, "presets", message) from error
        if not isinstance(condition, ColumnElement):
            raise ConfigurationError(
                self._options.model.__name__, "presets", f"{name}: does not return a condition"
            )
        return Preset(name, RawFilter(condition))

    def _search(self, search: SearchOptions) -> Search:
        if search.param == self._options.sort.param:
            raise InvalidOption(f"param: {search.param!r} is the sort parameter too")
        if search.param in self._compatibility.preset_parameters:
            raise InvalidOption(f"param: {search.param!r} chooses presets")
        operator = OPERATORS[self._operator_name(search)]
        if operator.values == "flag" and not search.attributes:
            raise InvalidOption(f"operator: {search.operator!r} needs attributes")
        fields = self._serializer.shown.items()
        # Finale's default: every attribute; for operators on strings, every string.
        fitting = [name for name, field in fields if operator.supports(field)]
        targets = self._field_paths(search.attributes or fitting)
        for name, target in targets.items():
            if not operator.supports(target.field):
                raise InvalidOption(f"{name!r} has no operator {search.operator!r}")
        negated = search.operator in _NEGATED
        index = None
        if search.index:
            if operator is not ILIKE or negated:
                raise InvalidOption(f"index: serves the operator ilike, not {search.operator!r}")
            index = indexed_search(search, targets, self._serializer.fields, self._capabilities)
        return Search(search.param, tuple(targets.values()), operator, negated, index)

    @staticmethod
    def _operator_name(search: SearchOptions) -> str:
        name = search.operator
        if name not in _SEARCH_OPERATORS:
            raise InvalidOption(f"operator: {name!r} is none of {', '.join(_SEARCH_OPERATORS)}")
        if search.override == _STARTS_WITH:
            if name not in _STARTING:
                raise InvalidOption(f"override: {_STARTS_WITH} contradicts the operator {name!r}")
            return "istartswith"
        return _SEARCH_OPERATORS[name]

    def _field_paths(self, names: Iterable[str]) -> dict[str, FieldPath]:
        targets = {}
        for name in names:
            target = self._names.find(name.strip("$"))
            if target is None:
                known = ", ".join(known for known, _ in self._names.all())
                raise InvalidOption(f"{name!r} is none of {known}")
            targets[name.strip("$")] = target
        return targets


def _has_order(field: Field) -> bool:
    return not isinstance(field.column.type, types.JSON | types.LargeBinary)
