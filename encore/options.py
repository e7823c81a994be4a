"""The options of a resource, under the snake_case of Finale's names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Table

from encore.http.access import Access
from encore.http.prefer_header import EXACT
from encore.models.fields import Model
from encore.models.types import TypeAdapters

ACTIONS_WITH_BODIES: Final = ("create", "update")
ACTION_NAMES: Final = ("create", "list", "read", "update", "delete")
READING_ACTIONS: Final = ("list", "read")
EVERY_ACTION: Final = "all"
NESTED_ARRAYS: Final = ("unchanged", "refuse", "ignore", "sync")
"""What an update may do with an array of related rows, the default first."""
COMPATIBLE: Final = (None, "finale")
"""The APIs whose clients a resource may be made for, the default first: none but its own."""
UPDATE_METHODS: Final = ("PUT", "POST", "PATCH")
HOOK_SECONDS: Final = 10.0

Preset = Callable[[], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Include:
    """A relation to embed.

    Attributes:
        relation: Its mapped name.
        attributes: The fields to show of its rows; empty means all.
        exclude_attributes: Fields not to show.
        include: Relations to embed in those rows in turn.
        where: What its rows must meet, wherever the resource follows the relation: a SQL condition
            on the related model, or a function that returns one.
        limit: How many rows of one parent are embedded; None means 100.
        order_by: Their order: ``name,-id`` as in ``sort``, or SQL expressions. Empty means the
            relationship's own.
        write_only_attributes: Fields not to show, that nested bodies may write nevertheless.
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
    """One search parameter.

    Attributes:
        param: Its name in the query.
        attributes: The fields it looks at, ``author.name`` through a relation; empty means every
            field of the model that has the operator.
        operator: How it looks: ``ilike``, ``startswith``, ``endswith``, ``not_like``, all of them
            at text and ignoring case; or any operator that the fields have (``eq``, ``gt``,
            ``in``, ``between``, ...). Finale's spellings (``notILike``, ``startsWith``) are known.
        override: Finale's: ``STARTS_WITH`` makes ``like`` and ``ilike`` start with the text.
        index: Use the search index of the table, which a migration makes
            (``encore.database.search_index.create_search_index``): for ``ilike`` on text columns of
            the model's own table. Terms have at least three characters; upper and lower case are
            one beyond ASCII too.
    """

    param: str = "q"
    attributes: Sequence[str] = ()
    operator: str = "ilike"
    override: str = ""
    index: bool = False


@dataclass(frozen=True, slots=True)
class SortOptions:
    """How lists are sorted.

    Attributes:
        param: The parameter's name in the query.
        attributes: What may be sorted by, ``author.name`` through a relation to one; empty means
            every field of the model.
        default: The order where none is asked for, in the parameter's own grammar.
    """

    param: str = "sort"
    attributes: Sequence[str] = ()
    default: str = ""


@dataclass(frozen=True, slots=True)
class AssociationOptions:
    """Embed and expose the relations of the model.

    Attributes:
        auto_populate: Embed every relation in what is given out.
        remove_foreign_keys: Leave foreign keys out of it.
        exclude_attributes: Fields to leave out of related rows, by relation.
    """

    auto_populate: bool = True
    remove_foreign_keys: bool = False
    exclude_attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceOptions:
    """What ``Crud.resource`` takes.

    Attributes:
        model: The SQLAlchemy model.
        endpoints: The path of the many and the path of the one; path parameters are the columns
            that find the row. Empty means ``/parts`` and ``/parts/{id}`` of the table's name.
        actions: Which actions there are; a view (``is_view``) has list and read, if not said
            otherwise.
        include: The relations to embed: names, or ``Include``.
        associations: Embed every relation and give each a path of its own; True for the defaults.
        pagination: Without it lists have no limit and no ``Content-Range``.
        total: How lists are counted where a request does not say (``Prefer: count=…``) and has no
            cursor: ``exact`` (the default), ``estimated``, or ``none``.
        search: The search parameters: one or many.
        sort: How lists are sorted.
        reload_instances: Embed related rows in what create and update answer.
        exclude_attributes: Fields that no one sees, writes, filters, searches, sorts by or
            guesses; or a mapping of ``own`` and of relations to such lists.
        write_only_attributes: Fields that are hidden as those of ``exclude_attributes`` are, but
            that clients may write; a list, or a mapping of ``own`` and of relations to such lists.
        read_only_attributes: Fields that clients may not write; hooks may.
        update_method: The verb of update beside PATCH, which there is always: PUT or POST.
        put_replaces: PUT sets what its body leaves out to its default, or null.
        nested_arrays: What an update does with an array of related rows: ``unchanged`` (the
            default) accepts it as it is stored and refuses any other, ``refuse`` refuses it,
            ``ignore`` passes over it, ``sync`` makes it the stored set.
        links: Whether the links of many-to-many relations that are embedded can be changed under
            the nested paths, with update's scopes: true for all of them, or their names.
        presets: Named conditions (Finale's scopes) that callers choose by ``?preset=name``.
        access: What each action asks of a token; ``all`` stands for those not named.
        bodies: What OpenAPI says of a body, as a JSON schema by ``create`` or ``update``, where
            hooks make more or less of it than the fields do.
        hook_seconds: How long one hook may take.
        types: JSON conversions of column types, by SQLAlchemy type (see ``TypeAdapter``).
        compatible: ``"finale"`` for front ends made for Finale that stay as they are: what they
            may send that is refused otherwise is ignored or converted (docs/how-to/finale.md).
            None is strict.
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
    update_method: str = "PUT"
    put_replaces: bool = False
    nested_arrays: str = NESTED_ARRAYS[0]
    links: bool | Sequence[str] = False
    presets: Mapping[str, Preset] = field(default_factory=dict)
    access: Mapping[str, Access | str | Sequence[str]] = field(default_factory=dict)
    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hook_seconds: float = HOOK_SECONDS
    types: TypeAdapters = field(default_factory=dict)
    compatible: str | None = COMPATIBLE[0]


def is_view(model: Model) -> bool:
    """Return whether a model's table is known to be a view of the database.

    Known are tables made by SQLAlchemy's ``CreateView``, and those marked with
    ``info={"is_view": True}``.
    """
    table: Any = getattr(model, "__table__", None)
    return bool(isinstance(table, Table) and (table.is_view or table.info.get("is_view")))
