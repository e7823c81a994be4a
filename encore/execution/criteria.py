"""Criteria: conditions that hooks add to those of the request.

Criteria accumulate: each condition restricts the rows further and none can be removed, so that no
hook removes the tenant filter of another. All of these add::

    context.criteria["tenantId"] = 7               # an attribute's name in Python or in JSON
    context.criteria["state"] = ["new", "open"]    # any of them; None among them is null
    context.criteria = {"owner": None}             # is null
    context.criteria = User.rank > 2               # SQL expressions, one or a list
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

from sqlalchemy import ColumnElement, SelectBase
from sqlalchemy.sql import ClauseElement

from encore.errors import HookError
from encore.execution.attribute_values import get_field
from encore.models.fields import Field
from encore.query.filters import Comparison, Condition, IsNull, Or, RawFilter
from encore.query.operators import EQUALS, IN
from encore.resource.definition import ResourceDefinition


class Criteria:
    """The conditions of one run of an action.

    Attributes:
        conditions: The conditions, all of which rows must meet.
        values: The values of the conditions' parameters.
        reusable: Whether other requests will have the same conditions with other values; SQL
            expressions contain their values, so they are compiled for one request.
        closed: Whether the rows are found already; adding raises an error then.
    """

    __slots__ = ("_resource", "closed", "conditions", "reusable", "values")

    def __init__(self, resource: ResourceDefinition) -> None:
        self._resource = resource
        self.conditions: tuple[Condition, ...] = ()
        self.values: tuple[Any, ...] = ()
        self.reusable = True
        self.closed = False

    def add(self, criteria: Any) -> None:
        """Add values under attribute names, a SQL expression, or several expressions.

        Raises:
            HookError: A name is unknown, or a value is not a condition.
        """
        if isinstance(criteria, Mapping):
            for name, value in criteria.items():
                self[name] = value
        elif _is_sql(criteria):
            self._add(RawFilter(criteria))
            self.reusable = False
        elif isinstance(criteria, Iterable) and not isinstance(criteria, str | bytes):
            for expression in criteria:
                if not _is_sql(expression):
                    raise self._error(f"{type(expression).__name__} is not a SQL expression")
                self.add(expression)
        else:
            type_ = type(criteria).__name__
            raise self._error(f"must be a mapping or SQL expressions, not {type_}")

    update = add

    def __setitem__(self, name: str, value: Any) -> None:
        """Add the condition that an attribute has a value, or one of several."""
        field = get_field(self._resource.fields, name, self._resource.name)
        if _is_sql(value):
            column: ColumnElement[Any] = field.expression
            same = column.in_(value) if isinstance(value, SelectBase) else column == value
            self.add(same)
        elif isinstance(value, Mapping):
            raise self._error(f"{name!r}: a mapping is not a value; use a SQL expression")
        elif isinstance(value, Collection) and not isinstance(value, str | bytes | bytearray):
            self._add_choice(field, value)
        elif value is None:
            self._add(IsNull(field))
        else:
            self._add(Comparison(field, EQUALS), self._bound(field, value))

    def __iadd__(self, criteria: Any) -> Self:
        self.add(criteria)
        return self

    def __bool__(self) -> bool:
        """Return whether there are any conditions."""
        return bool(self.conditions)

    def __delitem__(self, name: str) -> None:
        raise self._error(f"{name!r} cannot be removed: criteria accumulate")

    def _add_choice(self, field: Field, choices: Collection[Any]) -> None:
        values = [self._bound(field, value) for value in choices if value is not None]
        among = Comparison(field, IN, len(values))
        has_null = len(values) < len(choices)
        self._add(Or((among, IsNull(field))) if has_null else among, *values)

    def _add(self, condition: Condition, *values: Any) -> None:
        if self.closed:
            raise self._error("the rows are found already; set them in start, auth or fetch")
        self.conditions = (*self.conditions, condition)
        self.values = (*self.values, *values)

    def _bound(self, field: Field, value: Any) -> Any:
        return self._resource.fields.driver_values({field.attribute: value})[field]

    def _error(self, message: str) -> HookError:
        return HookError(f"resource {self._resource.name}: criteria: {message}")


def _is_sql(criteria: Any) -> bool:
    return isinstance(criteria, ClauseElement) or hasattr(criteria, "__clause_element__")
