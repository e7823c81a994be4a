"""A resource's definition: a model and its options, compiled once at start-up.

Everything that a request needs to be read, and that a response needs to be made, is here. Hooks
and writes are added by ``encore.execution.resource``; the routes are made by ``encore.routes``.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement
from starlette.types import Scope

from encore.database.capabilities import Capabilities
from encore.database.protocol import Database
from encore.database.statement import Row
from encore.dialects.checks import check_dialects
from encore.dialects.parser import DialectParser, check_headers, compile_dialects
from encore.errors import ConfigurationError, InvalidOption
from encore.http.access import Access
from encore.http.prefer_header import is_lenient, is_strict
from encore.idempotency.store import IdempotencyKeys
from encore.options import EVERY_ACTION, READING_ACTIONS, RESTORE, ResourceOptions, is_view
from encore.pages.cursors import CursorCodec
from encore.query import ListQuery, QueryParser, Search
from encore.resource.bodies import ResourceBodies
from encore.resource.compatibility import compatibility_of
from encore.resource.histories import resource_history
from encore.resource.locations import Locations
from encore.resource.mapping_checks import (
    check_class,
    check_mapping,
    check_put_creates,
    check_synchronised_arrays,
)
from encore.resource.option_checks import check_options
from encore.resource.paths import ResourcePaths, parse_path
from encore.resource.query_builder import QueryBuilder
from encore.resource.serializer_builder import ResourceSerializers
from encore.resource.soft_deletes import check_restore_access, declare_soft_delete
from encore.resource.upsert_targets import UpsertTargets
from encore.secret_key import Secret
from encore.serializers.relation_loader import RelationLoader
from encore.serializers.row_versions import KeyedDigest, RowVersions
from encore.sql.parent_filter import ParentFilter
from encore.sql.statements import Statements

DEFAULT_BODY_LIMIT: Final = 1024 * 1024
"""The largest body that an operation reads, in bytes."""

_READING: Final = ("GET", "HEAD")


class ResourceDefinition:
    """What all steps of a request need to know of a resource.

    Args:
        options: The resource's options.
        database: The database of its rows; may be opened later.
        base: The prefix of its paths.
        default_access: What an action demands of a token where the options do not say.
        body_limit: The largest body that an operation reads, in bytes.
        parent: Restricts the rows to those of one parent, for a nested resource.
        parent_parameters: The path parameters that hold the parent's key.
        secret: What the keys of cursors and entity tags are derived from.
        idempotency_keys: The stored responses of requests with an idempotency key.

    Attributes:
        options: As passed.
        compatibility: The meaning of the option ``compatible``.
        name: The model's name.
        is_view: Whether the model's table is known to be a view.
        is_nested: Whether its rows are found below a parent.
        serializer: The serializer of its rows.
        related: The serializers of the rows of its relations, by the relations' names.
        fields: The fields of the model.
        attributes: The names of all its attributes.
        paths: Its path templates and their parameters.
        collection_path: The path template of the collection, with the base.
        item_path: The path template of one row, with the base.
        slug: The fixed segments of the collection path: ``authors_books``.
        key: The row's own fields that the item path names.
        path_fields: The parameters of the item path, its parent's included, and their fields.
        locations: The paths of its rows.
        bodies: The fields and members that clients may write.
        upsert_targets: The unique keys by which an upsert finds a row; None without upserts.
        statements: The statements that the database runs.
        page_statements: The same for the pages of streams, which are never quick.
        statements_by: The same for rows that are found by another key than the path's.
        relation_loader: Embeds related rows.
        parser: Parses the queries of its list.
        searches: The search parameters of its list.
        history: The history of its rows; None without one.
        cursors: Encodes and decodes the cursors of its list.
        digest: Makes the digests of entity tags.
        row_versions: The versions of its rows, for entity tags.
        identity_field: The field of the key that the database numbers, if any.
        default_fields: The fields with a default that Python sets.
        onupdate_fields: The fields with a value that Python sets on each update.
        soft_delete: The field that says when a row was deleted; None if DELETE deletes rows.

    Raises:
        ConfigurationError: From the constructor: an option is wrong, or the mapping does not
            allow it; names the resource and the option.
    """

    def __init__(
        self,
        options: ResourceOptions,
        database: Database,
        *,
        base: str = "",
        default_access: Access,
        body_limit: int = DEFAULT_BODY_LIMIT,
        parent: ParentFilter | None = None,
        parent_parameters: tuple[str, ...] = (),
        secret: Secret | None = None,
        idempotency_keys: IdempotencyKeys | None = None,
    ) -> None:
        dialect = database.dialect
        check_options(options)
        check_class(options.model)
        self.options = options
        self.compatibility = compatibility_of(options.compatible)
        self.name = options.model.__name__
        self.is_view = is_view(options.model)
        self.is_nested = parent is not None
        self.body_limit = body_limit
        self.idempotency_keys = idempotency_keys or IdempotencyKeys(dialect)
        self._default_access = default_access

        serializers = ResourceSerializers(options, dialect, parent.entity if parent else None)
        self.serializer, self.related = serializers.own, serializers.related
        self.fields = self.serializer.fields
        self.attributes = frozenset(field.attribute for field in self.fields)
        self.identity_field = next((f for f in self.fields.key if f.autoincrement), None)
        self.default_fields = tuple(f for f in self.fields if f.has_default)
        self.onupdate_fields = tuple(f for f in self.fields if f.column.onupdate is not None)

        parameters = tuple(zip(parent_parameters, parent.parent, strict=True)) if parent else None
        self.paths = paths = ResourcePaths(options, self.fields, base=base, parent=parameters)
        self.collection_path, self.item_path = paths.collection_path, paths.item_path
        self.slug = paths.slug
        self.key = tuple(field for _, field in paths.key_parameters)
        self.path_fields = paths.parameters
        check_mapping(options, self.fields, paths, dialect)
        self.history = resource_history(options, self.fields)
        self.soft_delete = declare_soft_delete(options, self.fields, dialect)
        if self.soft_delete is not None:
            reading = [self.access(name) for name in READING_ACTIONS if name in options.actions]
            check_restore_access(options, self.access(RESTORE), reading)

        self.statements, self.page_statements = (
            Statements(self.fields, self.key, dialect, parent, long=long) for long in (False, True)
        )
        self.statements_by = lru_cache(lambda key: Statements(self.fields, key, dialect, parent))
        self.relation_loader = RelationLoader(self.serializer, dialect)
        secret = secret or Secret()
        self.cursors = CursorCodec(secret, self.collection_path)
        self.digest = KeyedDigest(secret)
        self.row_versions = RowVersions(self.fields, self.digest)
        order = parent.order() if parent else ()
        self.searches, self.parser = self._compile_queries(database.capabilities, order)
        self._queries = self._compile_dialects()

        self.bodies = ResourceBodies(options, self.serializer, paths)
        check_synchronised_arrays(options, self.serializer)
        self.upsert_targets = (
            UpsertTargets(options, self.serializer, self.bodies) if options.upsert else None
        )
        check_put_creates(options, self.key, self.bodies.creatable)
        self.locations = Locations(self.item_path, paths.key_parameters, self.bodies.creatable)

    @property
    def has_restore(self) -> bool:
        """Whether deleted rows can be restored: DELETE leaves them stored."""
        return self.soft_delete is not None and "delete" in self.options.actions

    def access(self, action: str) -> Access:
        """Return what an action demands of a token."""
        access = self.options.access.get(action, self.options.access.get(EVERY_ACTION))
        match access:
            case None:
                return self._default_access
            case Access():
                return access
            case str():
                return Access(all_of=(access,))
            case _:
                return Access(all_of=tuple(access))

    def row_version(self, row: Row) -> str:
        """Return the version of a stored row, as its entity tag has it before the dot.

        Await ``digest.prepare()`` before, unless ``digest.ready``.
        """
        return self.row_versions.of(row).decode()

    def parse_parent_key(self, scope: Scope) -> tuple[Any, ...]:
        """Return the driver values of the parent's key in the path. Raises ``NotFound``."""
        return parse_path(scope, self.paths.parent_parameters)

    def parse_key(self, scope: Scope) -> tuple[Any, ...]:
        """Return the driver values of all parameters of the item path. Raises ``NotFound``."""
        return parse_path(scope, self.path_fields)

    def parse_list_query(self, scope: Scope) -> ListQuery:
        """Parse the query of a list. Raises ``InvalidQuery``."""
        query_string = scope["query_string"]
        if not query_string:
            return self.parser.parse(b"")
        query = self._queries.parse(query_string, lenient=self._ignores_parameters(scope))
        if self.options.dialects:
            check_headers(query, scope)
        return query

    def parse_row_query(self, scope: Scope, others: tuple[str, ...] = ()) -> ListQuery | None:
        """Parse the query of an action on one row; None if there is none.

        Args:
            scope: The request.
            others: The names of parameters that are parsed elsewhere.

        Raises:
            InvalidQuery: A parameter is unknown, or its value is invalid.
        """
        query_string = scope["query_string"]
        if not query_string:
            return None
        lenient = self._ignores_parameters(scope)
        return self._queries.parse_row(query_string, lenient=lenient, others=others)

    def reject_parameters(self, scope: Scope, others: tuple[str, ...] = ()) -> None:
        """Raise ``InvalidQuery`` for any query parameter except those of these names."""
        if scope["query_string"] and not self._ignores_parameters(scope):
            self.parser.reject_all(scope["query_string"], others)

    def ignores_members(self, scope: Scope) -> bool:
        """Return whether members of this request's body that are not written are ignored."""
        if self.compatibility.ignores_members:
            return not is_strict(scope)
        return is_lenient(scope)

    def location(self, record: Any) -> bytes | None:
        """Return the item path of a record, relative to the host as Finale's is."""
        return self.locations.of(record)

    def _ignores_parameters(self, scope: Scope) -> bool:
        """Return whether unknown query parameters of this request are ignored."""
        if self.compatibility.ignores_parameters and scope["method"] in _READING:
            return not is_strict(scope)
        return is_lenient(scope)

    def _compile_dialects(self) -> QueryParser | DialectParser:
        """Return the parser of queries in the resource's language or in a dialect."""
        names = self.options.dialects
        if not names:
            return self.parser
        dialects = compile_dialects(names, self.parser)
        try:
            check_dialects(self.options, dialects, self.parser, [field.name for field in self.key])
        except InvalidOption as error:
            raise ConfigurationError(self.name, "dialects", error) from error
        return DialectParser(dialects, self.parser)

    def _compile_queries(
        self, capabilities: Capabilities, order: Iterable[ColumnElement[Any]]
    ) -> tuple[tuple[Search, ...], QueryParser]:
        """Return the search parameters and the parser of queries."""
        option = "search"
        try:
            builder = QueryBuilder(self.options, self.serializer, self.compatibility, capabilities)
            option = "sort"
            return builder.searches, builder.parser(order)
        except InvalidOption as error:
            raise ConfigurationError(self.name, option, error) from error
