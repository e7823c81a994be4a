"""Columns of a ``TypeDecorator``: their JSON is that of the ORM attribute's Python type.

The Python type is inferred from the decorator, in this order: its ``python_type``, the argument of
``TypeDecorator[...]``, the annotation of ``process_result_value``, and else from sample values that
are processed as if stored and read back. Written values and operands are passed through
``process_bind_param``, whose result is validated against the column.
"""

import ipaddress
import json
import typing
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeDecorator, TypeEngine

from encore.database.capabilities import capabilities_of
from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.numbers import integer_conversion
from encore.models.types.text import check_text

_NAIVE: Final = datetime(2018, 8, 16, 2, 22, 9, 446000)  # noqa: DTZ001 - some types store it
_SAMPLES: Final[tuple[Any, ...]] = (
    "a",
    "1",
    1,
    0,
    1.5,
    True,
    Decimal("1.50"),
    _NAIVE.replace(tzinfo=UTC),
    _NAIVE,
    date(2018, 8, 16),
    time(2, 22, 9),
    uuid.UUID("12345678-1234-5678-1234-567812345678"),
    b"a",
    {"a": 1},
    ["a"],
    ("a",),
    frozenset("a"),
    {"a"},
    ipaddress.ip_address("192.0.2.1"),
)
_STORED: Final[tuple[Any, ...]] = ("", "{}", "[]", "1", "a", '"a"', "192.0.2.1", 0, 1, 2, 1.5, b"a")


def processes_values(type_: TypeEngine[Any]) -> bool:
    """Return whether a decorator processes values in Python."""
    return any(
        getattr(type(type_), name) is not getattr(TypeDecorator, name)
        for name in (
            "process_bind_param",
            "process_result_value",
            "bind_processor",
            "result_processor",
        )
    )


def attribute_type(type_: TypeDecorator[Any], stored: TypeEngine[Any], dialect: Dialect) -> Any:
    """Return the Python type of the ORM attribute's value; None if it cannot be inferred.

    Args:
        type_: The column's type.
        stored: The decorated type.
        dialect: The dialect of the database.
    """
    cls = type(type_)
    for base in cls.__mro__[: cls.__mro__.index(TypeDecorator)]:
        if "python_type" in vars(base):
            return type_.python_type
    reads = cls.process_result_value is not TypeDecorator.process_result_value
    if not reads and cls.result_processor is TypeDecorator.result_processor:
        return sqlalchemy_python_type(stored)
    return _declared(cls) or _observed(type_, stored, dialect)


def sqlalchemy_python_type(stored: TypeEngine[Any]) -> Any:
    """Return SQLAlchemy's Python type of a column type; None if it has none."""
    try:
        return stored.python_type
    except NotImplementedError:
        return None


def _declared(cls: type) -> Any:
    """Return the type in ``TypeDecorator[int]``, or else in ``process_result_value``'s result."""
    for base in cls.__mro__:
        for original in getattr(base, "__orig_bases__", ()):
            origin = typing.get_origin(original)
            if isinstance(origin, type) and issubclass(origin, TypeDecorator):
                found = _plain(typing.get_args(original)[0])
                if found is not None:
                    return found
    try:
        hints = typing.get_type_hints(cls.process_result_value)  # type: ignore[attr-defined] # mypy does not find it in a class of unknown type
    except (NameError, TypeError, AttributeError):  # Missing, or imported for type checkers only.
        return None
    return _plain(hints.get("return"))


def _plain(annotation: Any) -> Any:
    """Return the class that an annotation means; None if it means several or any."""
    alternatives = [arg for arg in typing.get_args(annotation) if arg is not NoneType]
    origin = typing.get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, dict | list | tuple | set | frozenset):
        return origin
    if origin is not None and len(alternatives) == 1 and NoneType in typing.get_args(annotation):
        return _plain(alternatives[0])
    is_vague = annotation in (Any, object, NoneType)
    return annotation if isinstance(annotation, type) and not is_vague else None


def _observed(type_: TypeDecorator[Any], stored: TypeEngine[Any], dialect: Dialect) -> Any:
    """Return the type of samples that were processed as if stored and read back.

    A type that returns samples of several types unchanged, dicts or lists among them, holds any
    JSON value.
    """
    kept: list[type] = []
    seen: list[type] = []
    for sample, value in _read_back(type_, stored, dialect):
        if value is not None:
            seen.append(type(value))
            if type(value) is type(sample) and value == sample:
                kept.append(type(value))
    if {dict, list} & {*kept} and len({*kept} - {tuple}) > 1:
        return object
    of_column = sqlalchemy_python_type(stored)
    for candidates in (kept, seen):
        if of_column in candidates:
            return of_column
        if candidates:
            return candidates[0]
    return None


def _read_back(
    type_: TypeDecorator[Any], stored: TypeEngine[Any], dialect: Dialect
) -> Iterator[tuple[Any, Any]]:
    """Yield samples, each with its value after being stored and read back."""
    impl = type_.dialect_impl(dialect)
    bind, result = impl.bind_processor(dialect), impl.result_processor(dialect, _numeric(stored))
    own = [*stored.enums] if isinstance(stored, types.Enum) else []
    for sample in (*own, *_SAMPLES):
        try:
            driver = _as_stored(sample if bind is None else bind(sample), stored, dialect)
            yield sample, driver if result is None else result(driver)
        except Exception:  # noqa: BLE001, S112 - a sample that the type rejects
            continue
    for value in _STORED:
        try:
            driver = _as_stored(value, stored, dialect)
            yield None, driver if result is None else result(driver)
        except Exception:  # noqa: BLE001, S112 - a stored value that the type cannot read
            continue


def _as_stored(value: Any, stored: TypeEngine[Any], dialect: Dialect) -> Any:
    """Return a value as the database returns it. Raises ``TypeError`` if it cannot store it."""
    native = capabilities_of(dialect).enforced_types
    match stored:
        case types.Integer() if isinstance(value, int):
            return int(value)
        case types.String() if isinstance(value, str):
            return value
        case types.JSON() if isinstance(value, str) and native:
            return json.loads(value)
        case types.DateTime() if isinstance(value, datetime) and native:
            if (value.tzinfo is None) == stored.timezone:
                raise TypeError("aware where naive is stored, or the reverse")
            return value
        case types.Integer() | types.String() | types.DateTime() if native:
            raise TypeError("not of the column's type")
        case types.Integer() | types.String():
            raise TypeError("not of the column's type")
        case _:
            return value


def _numeric(stored: TypeEngine[Any]) -> Any:
    """Return PostgreSQL's OID of a numeric type, which SQLAlchemy's result processors take."""
    if isinstance(stored, types.Float):
        return 701
    return 1700 if isinstance(stored, types.Numeric) else None


def is_aware(type_: TypeDecorator[Any], stored: TypeEngine[Any], dialect: Dialect) -> bool:
    """Return whether the datetimes of a decorator have a time zone."""
    naive_kept = False
    for sample, value in _read_back(type_, stored, dialect):
        if isinstance(sample, datetime) and value == sample:
            if sample.tzinfo is not None:
                return True
            naive_kept = True
    return not naive_kept


def with_bind_check(
    conversion: Conversion, type_: TypeDecorator[Any], stored: Any, dialect: Dialect
) -> Conversion:
    """Return a conversion that rejects what ``process_bind_param`` or the column rejects."""
    impl: Any = type_.dialect_impl(dialect)
    if type(impl).process_bind_param is TypeDecorator.process_bind_param:
        return conversion
    check_stored = _stored_check(stored, dialect)

    def checked(value: Any) -> Any:
        try:
            bound = impl.process_bind_param(value, dialect)
        except InvalidValue:
            raise
        except Exception as error:  # A custom type may raise anything.
            raise InvalidValue("is invalid", value) from error
        check_stored(bound)
        return value

    return conversion._replace(
        from_json=lambda value: checked(conversion.from_json(value)),
        from_text=lambda text: checked(conversion.from_text(text)),
    )


def _stored_check(stored: TypeEngine[Any], dialect: Dialect) -> Any:
    if isinstance(stored, types.Integer):
        check = integer_conversion(stored, dialect).from_json
        return lambda value: check(value) if type(value) is int else value
    if isinstance(stored, types.String) and not isinstance(stored, types.Enum):
        return lambda value: check_text(value, stored.length) if isinstance(value, str) else value
    return lambda value: value
