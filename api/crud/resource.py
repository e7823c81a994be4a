"""A resource: a model and its options, compiled once into what the actions use."""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from starlette.types import Scope

from api.crud.criteria import ListQuery
from api.crud.fields import Field, Fields
from api.crud.options import ACTION_NAMES, EVERY_ACTION, ConfigurationError, ResourceOptions
from api.crud.query import QueryParser, Search, parse_pairs, unknown_parameter
from api.crud.records import record_type, row_reader
from api.crud.statements import Statements
from api.crud.values import Refusal
from api.errors import NotFound
from api.http.body import header
from api.http.exchange import Access
from db.database import Database

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
DEFAULT_BODY_LIMIT: Final = 1024 * 1024
"""The largest body an operation reads, in bytes."""


class Resource:
    """What the actions of one resource work with.

    Attributes:
        options: As given.
        name: The model's name.
        plural: The path of the many, with the base in front.
        singular: The path of the one.
        fields: Every field.
        statements: What the database runs.
    """

    def __init__(
        self,
        options: ResourceOptions,
        database: Database,
        *,
        base: str = "",
        default_access: Access,
        body_limit: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self.options = options
        self.name = options.model.__name__
        self.slug = options.model.__tablename__
        self.body_limit = body_limit
        self.fields = Fields.of(options.model, database.dialect)
        self._check_actions()
        self.plural, self.singular = (base + path for path in self._endpoints())
        self.key = tuple(self._field("endpoints", n) for n in _PARAMETER.findall(self.singular))
        self.statements = Statements(self.fields, self.key, database.dialect)
        record = record_type(self.name, self.fields)
        self.read_rows = row_reader(record, self.fields)
        self.parser = self._parser()
        self._default_access = default_access

        self._in_order = {field: index for index, field in enumerate(self.fields)}
        self.creatable = tuple(f for f in self.fields if not f.managed)
        self.updatable = tuple(f for f in self.creatable if f not in (*self.key, *self.fields.key))
        self.with_initial = tuple(f for f in self.fields if f.column.default is not None)
        self.with_refresh = tuple(f for f in self.fields if f.column.onupdate is not None)

    def access(self, action: str) -> Access:
        """Give what an action asks of a token."""
        given = self.options.access
        return given.get(action) or given.get(EVERY_ACTION) or self._default_access

    def key_of(self, scope: Scope) -> tuple[Any, ...]:
        """Read the path's parameters. Raises ``NotFound`` for what no row can be called."""
        parameters = scope["path_params"]
        try:
            return tuple(
                field.codec.driver_value(field.codec.from_text(parameters[field.name]))
                for field in self.key
            )
        except Refusal as refusal:
            raise NotFound from refusal

    def read_query(self, scope: Scope) -> ListQuery:
        """Read the query of a list. Raises ``InvalidQuery``."""
        return self.parser.parse(scope["query_string"], lenient=_is_lenient(scope))

    def refuse_parameters(self, scope: Scope) -> None:
        """Refuse any query parameter: this action has none. Raises ``InvalidQuery``."""
        if scope["query_string"] and not _is_lenient(scope):
            for name, _ in parse_pairs(scope["query_string"]):
                raise unknown_parameter(name, ())

    def ordered(self, attributes: dict[Field, Any]) -> tuple[tuple[Field, ...], tuple[Any, ...]]:
        """Put what is written into the fields' order, so that few shapes are compiled.

        Returns:
            The fields, and their values as the driver wants them.
        """
        written = tuple(sorted(attributes, key=self._in_order.__getitem__))
        return written, tuple(field.codec.driver_value(attributes[field]) for field in written)

    def location(self, instance: Any) -> bytes:
        """Fill the path of the one from a record; relative to the host, as Finale's is."""
        path = self.singular
        for field in self.key:
            value = str(getattr(instance, field.attribute))
            path = path.replace(f"{{{field.name}}}", quote(value, safe=""))
        return path.encode()

    def _check_actions(self) -> None:
        for option, names in (
            ("actions", self.options.actions),
            ("access", [name for name in self.options.access if name != EVERY_ACTION]),
        ):
            for name in names:
                if name not in ACTION_NAMES:
                    known = ", ".join(ACTION_NAMES)
                    raise ConfigurationError(self.name, option, f"{name!r} is none of {known}")

    def _endpoints(self) -> tuple[str, str]:
        match tuple(self.options.endpoints):
            case ():
                key = "/".join(f"{{{field.name}}}" for field in self.fields.key)
                return f"/{self.slug}", f"/{self.slug}/{key}"
            case (plural, singular):
                return plural, singular
            case _:
                raise ConfigurationError(
                    self.name, "endpoints", "must be the path of the many and the path of the one"
                )

    def _parser(self) -> QueryParser:
        options = self.options
        texts = [field.name for field in self.fields if field.codec.is_text]
        return QueryParser(
            self.fields,
            searches=tuple(
                Search(search.param, self._fields("search", search.attributes or texts))
                for search in options.search
            ),
            sortable=self._fields("sort", options.sort.attributes or self.fields.by_name),
            sort_parameter=options.sort.param,
            default_sort=options.sort.default,
            paginated=options.pagination,
        )

    def _fields(self, option: str, names: Iterable[str]) -> tuple[Field, ...]:
        return tuple(self._field(option, name) for name in names)

    def _field(self, option: str, name: str) -> Field:
        field = self.fields.by_name.get(name)
        if field is None:
            known = ", ".join(self.fields.by_name)
            raise ConfigurationError(self.name, option, f"{name!r} is none of {known}")
        return field


def _is_lenient(scope: Scope) -> bool:
    """Tell whether the caller asks to pass over what is unknown (RFC 7240)."""
    prefer = header(scope, b"prefer")
    return prefer is not None and b"handling=lenient" in prefer.lower().replace(b" ", b"")
