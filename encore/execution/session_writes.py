"""Writing rows through an ORM session, for models whose mapper asks for more than one statement.

The session runs on the request's own connection, inside its transaction, so hooks, refusals and
rollback are those of every other write. The row that is answered is read back by the resource's
own statement. Which models need this, and why, is for ``models.behaviour``.
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
from encore.database.statement import Row
from encore.errors import Conflict, ValidationFailed
from encore.models.fields import DriverValue, Field, Fields
from encore.models.session_requirements import SessionRequirements
from encore.models.types.registry import storage_type
from encore.serializers.stored_text import misfits
from encore.validation.body import INVALID, Attributes, ValidationErrors

VALIDATION_ERRORS: Final = (ValueError, AssertionError)
"""What SQLAlchemy's manual has validators raise."""

_DEPENDS: Final = "Dependency rule"
"""How SQLAlchemy's assertion begins that a key of another row would become null."""

_FLOAT8: Final = 701
_NUMERIC: Final = 1700

T = TypeVar("T")
Work = Callable[[Session], T]


class SessionWrites:
    """Creates, updates and deletes rows of one mapped class through sessions.

    Args:
        fields: The class's.
        dialect: The database's.

    Attributes:
        behaviour: Why a session is needed, if it is.
    """

    def __init__(self, fields: Fields, dialect: Dialect) -> None:
        self._fields = fields
        self._dialect = dialect
        self._mapper = fields.mapped.mapper
        self.behaviour = SessionRequirements(fields.mapped)
        self._key = tuple(python_reader(field.column.type, dialect) for field in fields.key)

    def make(self, attributes: Attributes, prefix: str = "") -> Any:
        """Make an instance, its validators and attribute events run.

        Raises:
            ValidationFailed: A validator refused a value; names the field.
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
        self._leave_to_keys(instance, attributes)
        rest = {name: v for name, v in attributes.items() if name not in arguments}
        self.assign(instance, rest, prefix)
        return instance

    def _leave_to_keys(self, instance: Any, attributes: Attributes) -> None:
        """Forget that a constructor set a relationship to None whose foreign key is given."""
        of_column = self._mapper.get_property_by_column
        for one in self._mapper.relationships:
            if one.direction is RelationshipDirection.MANYTOONE and not one.viewonly:
                is_given = any(of_column(c).key in attributes for c in one.local_columns)
                if is_given and vars(instance).get(one.key, instance) is None:
                    set_committed_value(instance, one.key, None)

    def assign(self, instance: Any, attributes: Attributes, prefix: str = "") -> None:
        """Set attributes of an instance. Raises ``ValidationFailed``, naming each refused field."""
        errors = ValidationErrors()
        for name, value in attributes.items():
            field = self._fields.get_by_attribute(name)
            try:
                setattr(instance, name, self._python(field, value))
            except VALIDATION_ERRORS as error:
                errors.add(f"{prefix}{field.name}", INVALID, str(error))
        errors.check()

    def _python(self, field: Field, value: Any) -> Any:
        """Return the Python value of what the driver gave; any other value as it is."""
        if type(value) is not DriverValue:
            return value
        read = python_reader(field.column.type, self._dialect)
        return None if value.value is None else read(value.value)

    def key_of(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the Python values of a primary key that the driver gave."""
        return tuple(read(value) for read, value in zip(self._key, row, strict=True))

    def row_key(self, row: Row) -> tuple[Any, ...]:
        """Return the primary key of a row, as driver values."""
        return self._fields.key_of(row)

    def load(self, session: Session, key: Sequence[Any], row: Row | None = None) -> Any | None:
        """Load the instance of this primary key, as driver values, and lock its row.

        Args:
            session: Where to.
            key: The driver values.
            row: The stored row, if known: values that do not fit their columns are then not
                loaded, where the ORM would raise.
        """
        unreadable = [
            defer(getattr(self._mapper.class_, field.attribute))
            for field in (() if row is None else misfits(self._fields, row))
            if field not in self._fields.key and not field.computed
        ]
        return session.get(
            self._mapper.class_,
            self.key_of(key),
            options=[lazyload("*"), *unreadable],  # An outer join could not be locked.
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
    """Run work in a session and flush.

    Raises:
        Conflict: The row is of another version by now, or other rows depend on it.
        ValidationFailed: An event refused the row by a ``ValueError`` or ``AssertionError``.
    """
    try:
        return await connection.orm(partial(_flushed, work))
    except StaleDataError as error:
        raise Conflict("The row was changed by another request meanwhile") from error
    except FlushError as error:
        raise Conflict("Other rows depend on this row") from error
    except VALIDATION_ERRORS as error:
        if str(error).startswith(_DEPENDS):
            raise Conflict("Other rows depend on this row") from error
        raise ValidationFailed(f"{INVALID}: {error}") from error


def _flushed(work: Work[T], session: Session) -> T:
    result = work(session)
    session.flush()
    return result


def python_reader(kind: Any, dialect: Dialect) -> Callable[[Any], Any]:
    """Return what turns a driver's value of this type into the Python value."""
    stored, code = storage_type(kind, dialect), None
    if isinstance(
        stored, Numeric | Float
    ):  # PostgreSQL's types of numbers are told apart by their OIDs.
        code = _FLOAT8 if isinstance(stored, Float) else _NUMERIC
    processor = kind.dialect_impl(dialect).result_processor(dialect, code)
    return processor or (lambda value: value)
