"""The options of a resource: Finale's names in snake_case. ``resource`` validates them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Table

from encore.http.access import Access
from encore.http.prefer_header import EXACT
from encore.models.fields import Model
from encore.models.types import TypeAdapters

ACTIONS_WITH_BODIES: Final = ("create", "update")
ACTION_NAMES: Final = ("create", "list", "read", "update", "delete")
READING_ACTIONS: Final = ("list", "read")
CONDITIONAL_ACTIONS: Final = ("update", "delete")
"""The actions that may compare ``If-Match``."""
HISTORY_ACTION: Final = "history"
RESTORE: Final = "restore"
"""The action that soft-deleted resources have besides."""
EVERY_ACTION: Final = "all"
NESTED_ARRAYS: Final = ("unchanged", "refuse", "ignore", "sync")
"""The values of the option ``nested_arrays``, the default first."""
COMPATIBLE: Final = (None, "finale")
"""The values of the option ``compatible``, the default first."""
DIALECTS: Final = ("react-admin", "refine", "json-server")
"""The values of the option ``dialects``."""
UPSERT_ACTIONS: Final = ("create", "read", "update")
"""The actions that an upsert may run."""
UPDATE_METHODS: Final = ("PUT", "POST", "PATCH")
BULK_ACTIONS: Final = ("create", "update", "delete")
"""The actions that may be carried out on many rows by one request."""
BULK_LIMIT: Final = 10_000
"""The most rows that one request may write by default."""
HOOK_SECONDS: Final = 10.0
"""How long one hook may take by default, in seconds."""

Preset = Callable[[], ColumnElement[bool]]
"""Returns the SQL condition of a preset."""


@dataclass(frozen=True, slots=True)
class Include:
    """A relation to embed in the rows of a resource.

    Attributes:
        relation: The name of the mapped relationship.
        attributes: The fields to output; empty means all.
        exclude_attributes: The fields not to output.
        include: The relations to embed in the embedded rows.
        where: A condition on the embedded rows, which applies wherever the resource uses the
            relation: a SQL expression on the related model, or a function that returns one.
        limit: How many rows of one parent are embedded; None means 100.
        order_by: The order of the rows: ``name,-id`` as in ``sort``, or SQL expressions. Empty
            means the relationship's.
        write_only_attributes: Fields that nested bodies may write, but that are not output.
    """

    relation: str
    attributes: Sequence[str] = ()
    exclude_attributes: Sequence[str] = ()
    include: Sequence["Include | str"] = ()
    where: Any = None
    limit: int | None = None
    order_by: Any = ()
    write_only_attributes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """A search parameter.

    Attributes:
        param: The name of the query parameter.
        attributes: The fields to search, ``author.name`` through a relation; empty means every
            field of the model that supports the operator.
        operator: The comparison: ``ilike``, ``startswith``, ``endswith``, ``not_like``, all of
            them on text and ignoring case; or any operator of the fields (``eq``, ``gt``, ``in``,
            ``between``, ...). Finale's spellings (``notILike``, ``startsWith``) are accepted.
        override: As in Finale, ``STARTS_WITH`` makes ``like`` and ``ilike`` match the beginning.
        index: Whether to use the search index of the table, which a migration creates
            (``encore.database.search_index.create_search_index``): for ``ilike`` on text columns of
            the model's table. Terms have at least three characters; case is ignored beyond ASCII
            too.
    """

    param: str = "q"
    attributes: Sequence[str] = ()
    operator: str = "ilike"
    override: str = ""
    index: bool = False


@dataclass(frozen=True, slots=True)
class SortOptions:
    """The sorting of lists.

    Attributes:
        param: The name of the query parameter.
        attributes: The sortable fields, ``author.name`` through a to-one relation; empty means
            every field of the model.
        default: The default value of the parameter.
    """

    param: str = "sort"
    attributes: Sequence[str] = ()
    default: str = ""


@dataclass(frozen=True, slots=True)
class AssociationOptions:
    """Options for embedding and exposing all relations of the model.

    Attributes:
        auto_populate: Whether every relation is embedded in responses.
        remove_foreign_keys: Whether foreign keys are left out of responses.
        exclude_attributes: The fields to leave out of related rows, by relation.
    """

    auto_populate: bool = True
    remove_foreign_keys: bool = False
    exclude_attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """The history of a resource.

    Attributes:
        retention: How long superseded versions are kept at least; ``python -m encore
            prune-history`` deletes older ones. None keeps all.
    """

    retention: timedelta | None = None


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The options of a batch: many operations in one request.

    Attributes:
        path: The path, below the base of the resources.
        max_operations: How many operations one batch may have.
        body_limit: The largest body that a batch may have, in bytes.
        seconds: How long the operations of one batch may take, without waiting for the database.
    """

    path: str = "/batch"
    max_operations: int = 1_000
    body_limit: int = 4 * 1024 * 1024
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class ResourceOptions:
    """The options of ``Crud.resource``.

    Attributes:
        model: The SQLAlchemy model.
        endpoints: The collection path and the item path; path parameters are the columns that
            identify the row. Empty means ``/parts`` and ``/parts/{id}`` of the table's name.
        actions: The actions of the resource; of a view (``is_view``), list and read by default.
        include: The relations to embed: names, or ``Include``.
        associations: Embed every relation and expose each on a nested path; True for the defaults.
        pagination: Whether lists are paginated; else they have no limit and no ``Content-Range``.
        total: How lists are counted by default (without ``Prefer: count=…``) if the request has no
            cursor: ``exact`` (the default), ``estimated``, or ``none``.
        search: One or several search parameters.
        sort: The sorting of lists.
        reload_instances: Whether the responses of create and update embed related rows.
        exclude_attributes: Fields that clients can neither read, write, filter, search nor sort by;
            or a mapping of ``own`` and of relations to such lists.
        write_only_attributes: Fields that are excluded likewise, except that clients may write
            them; a list, or a mapping of ``own`` and of relations to such lists.
        read_only_attributes: Fields that clients may not write; hooks may.
        set_by_hooks: Required fields that clients may write, and that hooks set in a new row whose
            body lacks them: OpenAPI does not require them.
        update_method: The method of update apart from PATCH: PUT or POST.
        put_replaces: Whether PUT sets missing fields to their default, or to null.
        put_creates: Whether PUT creates the row that its path names, if there is none; this demands
            the scopes of create as well.
        upsert: Whether a create may find a stored row (``on_conflict=merge`` or ``ignore``) by the
            primary key or a unique constraint: true for all whose fields clients may write, or a
            list of them, each the names of its fields.
        nested_arrays: What an update does with an array of related rows: ``unchanged`` (the
            default) rejects it if it differs from the stored rows, ``refuse`` rejects it,
            ``ignore`` ignores it, ``sync`` replaces the related rows by it.
        links: Whether embedded many-to-many relations can be changed on nested paths, with the
            scopes of update: true for all of them, or their names.
        presets: Named conditions (Finale's scopes) that callers choose with ``?preset=name``.
        access: The access that each action requires; ``all`` applies to actions not named.
            ``history`` requires by default what ``read`` does.
        bodies: The JSON schema of a body by ``create`` or ``update``, for OpenAPI, if hooks accept
            other members than the fields.
        checks_if_match: The writing actions on one row whose hooks compare ``If-Match`` with it.
            On others the service compares it.
        require_match: Whether update and delete require ``If-Match``: 428 without it.
        bulk: Which of create, update and delete can be carried out on many rows by one request:
            true for all that the resource has, or their names.
        bulk_limit: The most rows that one such request writes.
        hook_seconds: How long one hook may take, in seconds.
        history: Whether every version of the rows is recorded, with its author: true, or
            ``History``. The model needs a history table (``encore.history_table``).
        soft_delete: The field of the timestamp at which a row was deleted, for rows that DELETE
            leaves stored and hides from everything (docs/how-to/soft-delete.md). None deletes rows.
        types: JSON conversions of column types, by SQLAlchemy type (see ``TypeAdapter``).
        compatible: ``"finale"`` for unchanged clients of Finale: some input that is otherwise
            rejected is ignored or converted (docs/how-to/finale.md). None is strict.
        dialects: The query languages of stock front ends that lists understand besides their own:
            ``react-admin`` (ra-data-simple-rest), ``refine`` (simple-rest) and ``json-server``
            (ra-data-json-server). DELETE then answers the row (docs/how-to/react-admin.md).
        singular: What one row is called in OpenAPI, in lower-case words: ``timesheet lock``. By
            default the model's name or the singular of the path's last word.
        plural: What many rows are called, and the tag of the resource. By default the words of the
            collection path.
        description: What the resource is, for OpenAPI; by default the first paragraph of the
            model's docstring.
    """

    model: Model
    endpoints: Sequence[str] = ()
    actions: Sequence[str] = ACTION_NAMES
    include: Sequence[Include | str] = ()
    associations: bool | AssociationOptions = False
    pagination: bool = True
    total: str = EXACT
    search: SearchOptions | Sequence[SearchOptions] = SearchOptions()
    sort: SortOptions = SortOptions()
    reload_instances: bool = True
    exclude_attributes: Sequence[str] | Mapping[str, Sequence[str]] = ()
    write_only_attributes: Sequence[str] | Mapping[str, Sequence[str]] = ()
    read_only_attributes: Sequence[str] = ()
    set_by_hooks: Sequence[str] = ()
    update_method: str = "PUT"
    put_replaces: bool = False
    put_creates: bool = False
    upsert: bool | Sequence[str | Sequence[str]] = False
    nested_arrays: str = NESTED_ARRAYS[0]
    links: bool | Sequence[str] = False
    presets: Mapping[str, Preset] = field(default_factory=dict)
    access: Mapping[str, Access | str | Sequence[str]] = field(default_factory=dict)
    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    checks_if_match: Sequence[str] = ()
    bulk: bool | Sequence[str] = True
    bulk_limit: int = BULK_LIMIT
    require_match: bool = False
    hook_seconds: float = HOOK_SECONDS
    history: bool | History = False
    soft_delete: str | None = None
    types: TypeAdapters = field(default_factory=dict)
    compatible: str | None = COMPATIBLE[0]
    dialects: Sequence[str] = ()
    singular: str = ""
    plural: str = ""
    description: str = ""


def is_view(model: Model) -> bool:
    """Return whether a model's table is declared as a view.

    It is made by SQLAlchemy's ``CreateView``, or marked with ``info={"is_view": True}``.
    """
    table: Any = getattr(model, "__table__", None)
    return bool(isinstance(table, Table) and (table.is_view or table.info.get("is_view")))
