"""Whether a model is written through an ORM session: for validators, events, cascades, versions.

A plain model is written by one compiled statement. A model that uses features of the unit of work
is written through a session; this module finds the reasons. Features that neither way supports
(``load`` events: rows are read without making instances) are rejected at start-up.

SQLAlchemy's own listeners (backrefs, ``MutableDict``) do not count: they work on instances.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from types import CellType
from typing import Any, Final

from sqlalchemy.event import registry
from sqlalchemy.orm import Mapper, RelationshipProperty, Session
from sqlalchemy.orm.decl_base import _declarative_constructor

from encore.models.defaults import is_context_sensitive
from encore.models.mapped_class import MappedClass

ACTIONS: Final = ("create", "update", "delete")
_MAPPER_EVENTS: Final = {
    "create": ("before_insert", "after_insert"),
    "update": ("before_update", "after_update"),
    "delete": ("before_delete", "after_delete"),
}
_GENERATED: Final = "<string>"
"""The file name in the code of functions that ``dataclasses`` generates."""

_ATTRIBUTE_EVENTS: Final = ("set", "append", "remove", "bulk_replace", "modified")
_READING_EVENTS: Final = ("load", "refresh")
_SESSION_READING_EVENTS: Final = ("do_orm_execute", "loaded_as_persistent")
_SESSION_COMMIT_EVENTS: Final = ("before_commit", "after_commit", "after_rollback")
_SESSION_WRITING_EVENTS: Final = (
    "before_flush",
    "after_flush",
    "after_flush_postexec",
    "before_attach",
    "after_attach",
    "transient_to_pending",
    "pending_to_persistent",
    "persistent_to_deleted",
)


class UnsupportedEventListener(Exception):
    """A listener that was added while the service runs would never be called."""


class SessionRequirements:
    """The reasons why a model's rows are written through a session, by action.

    Listeners may be added at any time: the reasons are cached until the number of SQLAlchemy's
    listeners changes.
    """

    def __init__(self, mapped: MappedClass) -> None:
        self._mapped = mapped
        self._known = -1
        self._reasons: dict[str, tuple[str, ...]] = {}

    def reasons(self, action: str) -> tuple[str, ...]:
        """Return why an action needs a session; empty if it needs none."""
        self.check()
        return self._reasons.get(action, ())

    def check(self) -> None:
        """Look again for listeners if any were added since.

        Raises:
            UnsupportedListener: One of them would never be called.
        """
        listeners = len(registry._key_to_collection)  # noqa: SLF001 - nothing public counts them
        if listeners == self._known:
            return
        for event in self.unsupported_events():
            raise UnsupportedEventListener(f"{self._mapped.model.__name__} has {event}")
        self._reasons = {name: tuple(self._find(name)) for name in ACTIONS}
        self._known = listeners

    def unsupported_events(self) -> Iterator[str]:
        """Yield the listeners of the model and of sessions that would never be called."""
        for mapper in self._mapped.mapper.self_and_descendants:
            for name in _READING_EVENTS:
                if _has_listener(getattr(mapper.class_manager.dispatch, name)):
                    yield f"a {name!r} event: rows are read without making instances"
        session = Session()
        for name in _SESSION_READING_EVENTS:
            if _has_listener(getattr(session.dispatch, name)):
                yield f"a {name!r} event of every Session: rows are read without sessions"
        for name in _SESSION_COMMIT_EVENTS:
            if _has_listener(getattr(session.dispatch, name)):
                yield f"a {name!r} event of every Session: use context.after_commit"

    def listeners(self, action: str) -> Iterator[str]:
        """Yield the mapper events of an action that the model listens to."""
        for mapper in self._mapped.mapper.self_and_descendants:
            for name in _MAPPER_EVENTS[action]:
                if _has_listener(getattr(mapper.dispatch, name)):
                    yield name

    def _find(self, action: str) -> Iterator[str]:
        if not self._mapped.has_one_table:
            yield "its rows have several tables"
        if self._mapped.has_version and self._mapped.version is None:
            yield "a version_id_col that is not counted from 1"
        session = Session()
        for name in _SESSION_WRITING_EVENTS:
            if _has_listener(getattr(session.dispatch, name)):
                yield f"a {name!r} event of every Session"
        for mapper in self._mapped.mapper.self_and_descendants:
            yield from _mapper_reasons(mapper, action)


def _mapper_reasons(mapper: Mapper[Any], action: str) -> Iterator[str]:
    for name in _MAPPER_EVENTS[action]:
        if _has_listener(getattr(mapper.dispatch, name)):
            yield f"a {name!r} event"
    if action == "delete":
        yield from _delete_reasons(mapper.relationships)
    else:
        yield from _value_reasons(mapper, action)
    if action == "create":
        yield from _constructor_reasons(mapper)


def _value_reasons(mapper: Mapper[Any], action: str) -> Iterator[str]:
    """Yield what changes the written values."""
    if mapper.validators:
        yield "@validates"
    for prop in mapper.attrs:
        dispatch = getattr(mapper.class_, prop.key).dispatch
        if any(_has_listener(getattr(dispatch, name, ())) for name in _ATTRIBUTE_EVENTS):
            yield f"an attribute event of {prop.key}"
    for table in mapper.tables:
        for column in table.columns:
            default = column.default if action == "create" else column.onupdate
            if default is not None and column not in mapper.columns.values():
                yield f"a default of {column.name}, which is not mapped"
            if is_context_sensitive(default):
                yield f"a default of {column.name} that takes the context"


def _delete_reasons(relationships: Iterable[RelationshipProperty[Any]]) -> Iterator[str]:
    """Yield the relationships for which the ORM changes other rows when a row is deleted."""
    for relationship in relationships:
        if relationship.viewonly:
            continue
        name = relationship.key
        if relationship.cascade.delete:
            yield f"the delete cascade of {name}"
        elif relationship.secondary is not None:
            yield f"the rows of the association table of {name}"
        elif relationship.direction.name == "ONETOMANY" and relationship.passive_deletes != "all":
            yield f"the foreign keys of {name}"


def _constructor_reasons(mapper: Mapper[Any]) -> Iterator[str]:
    class_, constructor = mapper.class_, mapper.class_manager.original_init
    code = getattr(constructor, "__code__", None)
    if dataclasses.is_dataclass(class_) and code and code.co_filename == _GENERATED:
        if hasattr(class_, "__post_init__"):
            yield "__post_init__"
        for field in dataclasses.fields(class_):
            if field.default_factory is not dataclasses.MISSING:
                yield f"the default_factory of {field.name}"
    elif constructor is not _declarative_constructor:
        yield "a custom constructor"
    if _has_listener(mapper.class_manager.dispatch.init):
        yield "an 'init' event"


def _has_listener(collection: Iterable[Callable[..., Any]]) -> bool:
    """Return whether any listener is not SQLAlchemy's."""
    return bool(collection) and any(_is_foreign(listener) for listener in collection)


def _is_foreign(listener: Callable[..., Any]) -> bool:
    """Return whether a listener, or a function that SQLAlchemy wraps in it, is not SQLAlchemy's."""
    if not _is_of_sqlalchemy(listener):
        return True
    closure = getattr(listener, "__closure__", None) or ()
    inner = [cell.cell_contents for cell in closure if cell != CellType()]
    functions = [cell for cell in inner if callable(cell) and not isinstance(cell, type)]
    return any(not _is_of_sqlalchemy(function) for function in functions)


def _is_of_sqlalchemy(function: Callable[..., Any]) -> bool:
    return (getattr(function, "__module__", None) or "").partition(".")[0] == "sqlalchemy"
