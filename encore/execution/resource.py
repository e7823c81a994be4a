"""A resource: a model and its options, compiled once into what the actions use."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from starlette.types import Scope

from encore.database.protocol import Database
from encore.errors import ConfigurationError, InvalidOption, NotFound
from encore.execution.hooks import ActionHooks, AllHooks, check_callable, use
from encore.execution.nested.arrays import unsyncable
from encore.execution.nested.session_writes import SessionNestedWrites
from encore.execution.nested.writes import NestedWrites
from encore.execution.session_writes import SessionWrites
from encore.http.preferences import is_lenient
from encore.http.request_state import Access
from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.options import ACTION_NAMES, EVERY_ACTION, ResourceOptions, is_view
from encore.pages.cursors import CursorCodec
from encore.query import ListQuery, QueryParser
from encore.resource.compatibility import compatibility_of
from encore.resource.locations import Locations
from encore.resource.mapping_checks import check_class, check_mapped, default_path, placeholder
from encore.resource.option_checks import PARAMETER, check_options
from encore.resource.query_builder import QueryBuilder
from encore.resource.serializer_builder import ResourceSerializers
from encore.secret_key import Secret
from encore.serializers.relation_loader import RelationLoader
from encore.sql.parent_filter import ParentFilter
from encore.sql.statements import Statements
from encore.validation.body import Attributes
from encore.validation.members import ActionMembers, AllowedMembers, rejects_empty
from encore.validation.nested import SYNC, NestedBodyParser

DEFAULT_BODY_LIMIT: Final = 1024 * 1024
"""The largest body an operation reads, in bytes."""

_READING: Final = ("GET", "HEAD")


class Resource:
    """What the actions of one resource work with, and what a service hangs its hooks on.

    Attributes:
        options: As given.
        compatibility: What the option ``compatible`` means.
        is_view: Whether the model's table is known to be a view.
        name: The model's name.
        is_nested: Whether its rows are found below a parent.
        slug: The fixed parts of the path of the many: ``authors_books``.
        collection_path: The path of the many, with the base in front.
        item_path: The path of the one.
        serializer: What its rows look like.
        related: What the rows of its relations look like, by the relations' names.
        cursors: Makes and reads the cursors of its list.
        key: The row's own fields that the path of the one names.
        path_fields: The names in the path of the one, its parent's included, and their fields.
        locations: The paths of its rows.
        attributes: The names of all its attributes.
        members: What may be in the bodies of create and update.
        refuses_empty: Whether a new row of which a body says nothing would hold nulls alone.
        creatable, updatable: The fields that clients may write in a new row, in a stored one.
        unseen: Attributes of the latter that no GET shows: replacing the row keeps them.
        nameable: The fields that errors may name.
        statements: What the database runs.
        page_statements: The same for the pages of streams, which are never quick.
        statements_by: The same for rows that are found by another key than the path's.
        create, list, read, update, delete, all: The hooks of each action, and of all.
        nested_resources: The resources of its relations, by their names.
    """

    create: ActionHooks
    list: ActionHooks
    read: ActionHooks
    update: ActionHooks
    delete: ActionHooks

    def __init__(
        self,
        options: ResourceOptions,
        database: Database,
        *,
        base: str = "",
        default_access: Access,
        body_limit: int = DEFAULT_BODY_LIMIT,
        link: ParentFilter | None = None,
        link_parameters: tuple[str, ...] = (),
        secret: Secret | None = None,
    ) -> None:
        self.options = options
        self.is_nested = link is not None
        self.is_view = is_view(options.model)
        self.name = options.model.__name__
        self.body_limit = body_limit
        self._default_access = default_access
        check_options(options)
        check_class(options.model)
        self.compatibility = compatibility_of(options.compatible)
        faces = ResourceSerializers(options, database.dialect, link.entity if link else None)
        self.serializer, self.related = faces.own, faces.related
        self.fields = self.serializer.fields
        self.collection_path, self.item_path = (base + path for path in self._endpoints())
        self.cursors = CursorCodec(secret or Secret(), self.collection_path)
        self.slug = _slug(self.collection_path)
        self._link_parameters = tuple(
            zip(link_parameters, link.parent if link else (), strict=True)
        )
        names = [n for n in PARAMETER.findall(self.item_path) if n not in link_parameters]
        own = tuple((name, self._field("endpoints", name)) for name in names)
        self.key = tuple(field for _, field in own)
        self.path_fields = (*self._link_parameters, *own)

        self.statements, self.page_statements = (
            Statements(self.fields, self.key, database.dialect, link, long=long)
            for long in (False, True)
        )
        self.statements_by = lru_cache(
            lambda key: Statements(self.fields, key, database.dialect, link)
        )
        self.session_writes = SessionWrites(self.fields, database.dialect)
        check_mapped(self)
        self.relation_loader = RelationLoader(self.serializer, database.dialect)
        self._naming = self._try(
            "search",
            QueryBuilder,
            options,
            self.serializer,
            self.compatibility,
            database.dialect.name,
        )
        self.parser: QueryParser = self._try(
            "sort", self._naming.parser, link.order() if link else ()
        )
        self.searches = self._naming.searches

        read_only = {self._field("read_only_attributes", n) for n in options.read_only_attributes}
        self.read_only_attributes = frozenset(field.attribute for field in read_only)
        self.attributes = frozenset(field.attribute for field in self.fields)
        # A relation that is shown may be written, even where its foreign key is hidden.
        settable = tuple(f for f in self.fields if not (f.read_only or f in read_only))
        fixed = {*self.key, *self.fields.key}
        self.creatable = tuple(f for f in settable if f in self.serializer.writable)
        self.locations = Locations(self.item_path, own, self.creatable)
        self.updatable = tuple(f for f in self.creatable if f not in fixed)
        self.unseen = frozenset(
            f.attribute for f in self.updatable if f.name not in self.serializer.shown
        )
        self.nameable = tuple(
            f for f in self.fields if f.name in self.serializer.shown or f in self.creatable
        )
        self.nested_reader = NestedBodyParser(
            self.serializer,
            creatable=settable,
            updatable=[f for f in settable if f not in fixed],
            arrays=options.nested_arrays,
        )
        self.nested = NestedWrites(self.serializer, database.dialect)
        self.session_nested = SessionNestedWrites(
            self.nested.related,
            {
                name: SessionWrites(child.serializer.fields, database.dialect)
                for name, child in self.serializer.children.items()
            },
        )
        self.members = self._members()
        self.refuses_empty = rejects_empty(self.fields)
        self.generated = next((f for f in self.fields.key if f.autoincrement), None)
        self.default_fields = tuple(f for f in self.fields if f.has_default)
        self.onupdate_fields = tuple(f for f in self.fields if f.column.onupdate is not None)

        self.hooks = {name: ActionHooks(self._unused(name)) for name in ACTION_NAMES}
        for name, hooks in self.hooks.items():
            setattr(self, name, hooks)
        self.all = AllHooks(self.hooks)
        self.nested_resources: dict[str, Resource] = {}

    @property
    def collection_path_names_one_row(self) -> bool:
        """Whether the path of the many has parameters of its own, and so would mean one row."""
        of_parent = {name for name, _ in self._link_parameters}
        return not of_parent.issuperset(PARAMETER.findall(self.collection_path))

    def use(self, bundle: Mapping[str, Any]) -> None:
        """Register a bundle of hooks; its ``extra_configuration`` is called with the resource."""
        hooks = {name: given for name, given in bundle.items() if name != "extra_configuration"}
        use(self.hooks, hooks)
        if "extra_configuration" in bundle:
            check_callable(bundle["extra_configuration"], 1, "extra_configuration")
            bundle["extra_configuration"](self)

    def access(self, action: str) -> Access:
        """Give what an action asks of a token."""
        given = self.options.access.get(action, self.options.access.get(EVERY_ACTION))
        match given:
            case None:
                return self._default_access
            case Access():
                return given
            case str():
                return Access(all_of=(given,))
            case _:
                return Access(all_of=tuple(given))

    def link_key_of(self, scope: Scope) -> tuple[Any, ...]:
        """Read the parent's part of the path. Raises ``NotFound``."""
        return self._read_path(scope, self._link_parameters)

    def key_of(self, scope: Scope) -> tuple[Any, ...]:
        """Read the path's parameters. Raises ``NotFound`` for what no row can be called."""
        return self._read_path(scope, self.path_fields)

    @staticmethod
    def _read_path(scope: Scope, parameters: Iterable[tuple[str, Field]]) -> tuple[Any, ...]:
        given = scope["path_params"]
        try:
            return tuple(
                field.codec.driver_value(field.codec.from_text(given[name]))
                for name, field in parameters
            )
        except InvalidValue as refusal:
            raise NotFound from refusal

    def read_query(self, scope: Scope) -> ListQuery:
        """Read the query of a list. Raises ``InvalidQuery``."""
        query_string = scope["query_string"]
        if not query_string:
            return self.parser.parse(b"")
        return self.parser.parse(query_string, lenient=self._ignores_parameters(scope))

    def read_query_of_one(self, scope: Scope) -> ListQuery | None:
        """Read the query of an action on one row. Raises ``InvalidQuery``."""
        query_string = scope["query_string"]
        if not query_string:
            return None
        return self.parser.parse_of_one(query_string, lenient=self._ignores_parameters(scope))

    def refuse_parameters(self, scope: Scope) -> None:
        """Refuse any query parameter: this action has none. Raises ``InvalidQuery``."""
        if scope["query_string"] and not self._ignores_parameters(scope):
            self.parser.refuse_all(scope["query_string"])

    def _ignores_parameters(self, scope: Scope) -> bool:
        """Return whether unknown query parameters of this request are ignored."""
        if self.compatibility.ignores_parameters and scope["method"] in _READING:
            return True
        return is_lenient(scope)

    def ignores_members(self, scope: Scope) -> bool:
        """Return whether members of this request's body that are not written are ignored."""
        return self.compatibility.ignores_members or is_lenient(scope)

    def ordered(self, attributes: Attributes) -> tuple[tuple[Field, ...], tuple[Any, ...]]:
        """See ``Fields.ordered``."""
        return self.fields.ordered(attributes)

    def location(self, instance: Any) -> bytes | None:
        """Return the item path of a record; relative to the host, as Finale's is."""
        return self.locations.of(instance)

    def _unused(self, action: str) -> ConfigurationError | None:
        """Return what to raise for hooks of an action that the resource does not have."""
        if action in self.options.actions:
            return None
        text = f"there is no {action}, so its hooks would never run"
        return ConfigurationError(self.name, "actions", text)

    def _endpoints(self) -> tuple[str, str]:
        match tuple(self.options.endpoints):
            case ():
                key = "/".join(map(placeholder, self.fields.key))
                collection_path = default_path(self)
                return collection_path, f"{collection_path}/{key}"
            case (one,):
                return one, one
            case (collection_path, item_path, *_):  # No more: checked.
                return collection_path, item_path
        raise AssertionError

    def _members(self) -> ActionMembers:
        if self.options.nested_arrays == SYNC:
            for text in unsyncable(self.serializer):
                raise ConfigurationError(self.name, "nested_arrays", text)
        serializer, bodies, nested = self.serializer, self.options.bodies, self.nested_reader
        return ActionMembers(
            create=AllowedMembers.of(
                serializer, self.creatable, nested.creates, bodies.get("create")
            ),
            update=AllowedMembers.of(
                serializer, self.updatable, nested.updates, bodies.get("update")
            ),
        )

    def _field(self, option: str, name: str) -> Field:
        field = self.fields.find_by_name(name)
        if field is None:
            known = ", ".join(self.fields.by_name)
            raise ConfigurationError(self.name, option, f"{name!r} is none of {known}")
        return field

    def _try(self, option: str, make: Any, *arguments: Any) -> Any:
        """Make something of the options; an unknown name in them is a configuration error."""
        try:
            return make(*arguments)
        except InvalidOption as error:
            raise ConfigurationError(self.name, option, error) from error


def _slug(path: str) -> str:
    return "_".join(part for part in path.split("/") if part and part[0] != "{")
