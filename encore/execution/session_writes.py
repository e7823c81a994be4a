"""Writing rows through an ORM session, for models whose mapper requires more than one statement.

The session runs on the request's own connection, inside its transaction, so hooks, errors and
rollback are those of every other write. Which models need this, and why, is decided by
``models.session_requirements``.
"""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import Parameter
from typing import Any, Final, TypeVar

from sqlalchemy import Dialect, Float, Numeric
from sqlalchemy.orm import RelationshipDirection, Session, defer, lazyload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import FlushError, StaleDataError

from encore.database.protocol import Connection
from encore.database.soft_deletes import soft_deletes_of
from encore.database.statement import Row
from encore.errors import Conflict, ValidationFailed
from encore.execution.soft_delete import hide_deleted
from encore.models.fields import DriverValue, Field, Fields
from encore.models.session_requirements import SessionRequirements
from encore.models.types.registry import storage_type
from encore.serializers.stored_text import invalid_fields
from encore.validation.body import INVALID, Attributes, ValidationErrors

VALIDATION_ERRORS: Final = (ValueError, AssertionError)
"""The errors that validators raise according to SQLAlchemy's manual."""

_DEPENDS: Final = "Dependency rule"
"""The beginning of SQLAlchemy's assertion that a key of another row would become null."""

_FLOAT8: Final = 701
_NUMERIC: Final = 1700

T = TypeVar("T")
Work = Callable[[Session], T]


class SessionWrites:
    """Creates, updates and deletes rows of one mapped class through sessions.

    Args:
        fields: The fields of the class.
        dialect: The database's dialect.

    Attributes:
        behaviour: The reasons why a session is required, if any.
    """

    def __init__(self, fields: Fields, dialect: Dialect) -> None:
        self._fields = fields
        self._dialect = dialect
        self._mapper = fields.mapped.mapper
        self.behaviour = SessionRequirements(fields.mapped)
        self._key = tuple(python_reader(field.column.type, dialect) for field in fields.key)

    def make(self, attributes: Attributes, prefix: str = "") -> Any:
        """Return a new instance; validators and attribute events run.

        Raises:
            ValidationFailed: A validator rejected a value; names the field.
        """
        arguments = {}
        for name, parameter in self._fields.mapped.constructor.items():
            if name in attributes:
                arguments[name] = attributes[name]
            elif parameter.default is Parameter.empty:
                arguments[name] = [] if self._is_collection(name) else None
        try:
            instance = self._mapper.class_(**arguments)
        except VALIDATION_ERRORS as error:
            raise ValidationFailed(f"{INVALID}: {error}") from error
        self._discard_none(instance, attributes)
        rest = {name: v for name, v in attributes.items() if name not in arguments}
        self.assign(instance, rest, prefix)
        return instance

    def _discard_none(self, instance: Any, attributes: Attributes) -> None:
        """Discard None that a constructor set on a relationship whose foreign key is set."""
        of_column = self._mapper.get_property_by_column
        for relationship in self._mapper.relationships:
            key, direction = relationship.key, relationship.direction
            if direction is RelationshipDirection.MANYTOONE and not relationship.viewonly:
                is_set = any(of_column(c).key in attributes for c in relationship.local_columns)
                if is_set and vars(instance).get(key, instance) is None:
                    set_committed_value(instance, key, None)

    def assign(self, instance: Any, attributes: Attributes, prefix: str = "") -> None:
        """Set attributes of an instance.

        Raises:
            ValidationFailed: A validator rejected a value; names each such field.
        """
        errors = ValidationErrors()
        for name, value in attributes.items():
            field = self._fields.get_by_attribute(name)
            try:
                setattr(instance, name, self._python(field, value))
            except VALIDATION_ERRORS as error:
                errors.add(f"{prefix}{field.name}", INVALID, str(error))
        errors.check()

    def _python(self, field: Field, value: Any) -> Any:
        """Return the Python value of a driver's value; other values are returned unchanged."""
        if type(value) is not DriverValue:
            return value
        read = python_reader(field.column.type, self._dialect)
        return None if value.value is None else read(value.value)

    def key_of(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the Python values of a primary key that the driver returned."""
        return tuple(read(value) for read, value in zip(self._key, row, strict=True))

    def row_key(self, row: Row) -> tuple[Any, ...]:
        """Return the primary key of a row, as driver values."""
        return self._fields.key_of(row)

    def load(
        self,
        session: Session,
        key: Sequence[Any],
        row: Row | None = None,
        *,
        with_deleted: bool = False,
    ) -> Any | None:
        """Load the instance of this primary key, as driver values, and lock its row.

        Args:
            session: The session to load it in.
            key: The driver values.
            row: The stored row, if known: values that do not fit their columns are deferred,
                since the ORM would raise an error on loading them.
            with_deleted: Whether soft-deleted rows are loaded, and among its related rows.
        """
        visible = [] if with_deleted else hide_deleted(soft_deletes_of(self._dialect))
        deferred = [
            defer(getattr(self._mapper.class_, field.attribute))
            for field in (() if row is None else invalid_fields(self._fields, row))
            if field not in self._fields.key and not field.computed
        ]
        return session.get(
            self._mapper.class_,
            self.key_of(key),
            options=[lazyload("*"), *deferred, *visible],  # An outer join could not be locked.
            with_for_update=self._fields.mapped.lock,
        )

    def identity(self, instance: Any) -> tuple[Any, ...]:
        """Return the primary key of a flushed instance, as driver values."""
        values = self._mapper.primary_key_from_instance(instance)
        return tuple(
            field.codec.driver_value(value)
            for field, value in zip(self._fields.key, values, strict=True)
        )

    def _is_collection(self, name: str) -> bool:
        relationship = self._mapper.relationships.get(name)
        return relationship is not None and bool(relationship.uselist)


async def run_in_session(connection: Connection, work: Work[T]) -> T:
    """Run work in a session, flush, and return its result.

    Raises:
        Conflict: The row has another version by now, or other rows depend on it.
        ValidationFailed: An event rejected the row by a ``ValueError`` or ``AssertionError``.
    """
    try:
        return await connection.orm(partial(_flushed, work))
    except StaleDataError as error:
        raise row_changed() from error
    except FlushError as error:
        raise Conflict("Other rows depend on this row") from error
    except VALIDATION_ERRORS as error:
        if str(error).startswith(_DEPENDS):
            raise Conflict("Other rows depend on this row") from error
        raise ValidationFailed(f"{INVALID}: {error}") from error


def row_changed() -> Conflict:
    """Return the error for a row that is not as a session has loaded it."""
    return Conflict("The row was changed by another request meanwhile")


def _flushed(work: Work[T], session: Session) -> T:
    result = work(session)
    session.flush()
    return result


def python_reader(type_: Any, dialect: Dialect) -> Callable[[Any], Any]:
    """Return the function that converts a driver's value of this type to the Python value."""
    stored, code = storage_type(type_, dialect), None
    if isinstance(
        stored, Numeric | Float
    ):  # PostgreSQL's numeric types are distinguished by their OIDs.
        code = _FLOAT8 if isinstance(stored, Float) else _NUMERIC
    processor = type_.dialect_impl(dialect).result_processor(dialect, code)
    return processor or (lambda value: value)
