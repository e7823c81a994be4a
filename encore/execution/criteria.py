"""Criteria: what hooks demand of the rows that an action finds, beside the request's own filters.

Criteria add up: whatever a hook adds narrows, and nothing removes it, so that no later hook drops
the tenant filter of an earlier one. All these add::

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
from encore.execution.attribute_values import field_named
from encore.models.fields import Field
from encore.query.filters import Comparison, Condition, IsNull, Or, RawFilter
from encore.query.operators import EQUALS, IN
from encore.resource.definition import ResourceDefinition


class Criteria:
    """The conditions of one run of an action.

    Attributes:
        conditions: What rows must meet, all of it.
        values: What the conditions' slots are bound to.
        reusable: Whether other requests will have conditions of the same shape; SQL expressions
            hold their values, so they are compiled for one request.
        closed: Whether the rows are found already; adding then is a mistake.
    """

    __slots__ = ("_resource", "closed", "conditions", "reusable", "values")

    def __init__(self, resource: ResourceDefinition) -> None:
        self._resource = resource
        self.conditions: tuple[Condition, ...] = ()
        self.values: tuple[Any, ...] = ()
        self.reusable = True
        self.closed = False

    def add(self, given: Any) -> None:
        """Add values under attribute names, a SQL expression, or several expressions.

        Raises:
            HookError: An unknown name, or what is no condition.
        """
        if isinstance(given, Mapping):
            for name, value in given.items():
                self[name] = value
        elif _is_sql(given):
            self._add(RawFilter(given))
            self.reusable = False
        elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
            for expression in given:
                if not _is_sql(expression):
                    raise self._mistake(f"{type(expression).__name__} is not a SQL expression")
                self.add(expression)
        else:
            kind = type(given).__name__
            raise self._mistake(f"must be a mapping or SQL expressions, not {kind}")

    update = add

    def __setitem__(self, name: str, value: Any) -> None:
        """Demand a value of an attribute, beside what was demanded before."""
        field = field_named(self._resource.fields, name, self._resource.name)
        if _is_sql(value):
            column: ColumnElement[Any] = field.expression
            same = column.in_(value) if isinstance(value, SelectBase) else column == value
            self.add(same)
        elif isinstance(value, Mapping):
            raise self._mistake(f"{name!r}: a mapping is not a value; use a SQL expression")
        elif isinstance(value, Collection) and not isinstance(value, str | bytes | bytearray):
            self._add_choice(field, value)
        elif value is None:
            self._add(IsNull(field))
        else:
            self._add(Comparison(field, EQUALS), self._bound(field, value))

    def __iadd__(self, given: Any) -> Self:
        self.add(given)
        return self

    def __bool__(self) -> bool:
        """Tell whether anything is demanded."""
        return bool(self.conditions)

    def __delitem__(self, name: str) -> None:
        raise self._mistake(f"{name!r} cannot be removed: criteria add up")

    def _add_choice(self, field: Field, choices: Collection[Any]) -> None:
        values = [self._bound(field, value) for value in choices if value is not None]
        among = Comparison(field, IN, len(values))
        has_null = len(values) < len(choices)
        self._add(Or((among, IsNull(field))) if has_null else among, *values)

    def _add(self, condition: Condition, *values: Any) -> None:
        if self.closed:
            raise self._mistake("the rows are found already; set them in start, auth or fetch")
        self.conditions = (*self.conditions, condition)
        self.values = (*self.values, *values)

    def _bound(self, field: Field, value: Any) -> Any:
        return self._resource.fields.driver_values({field.attribute: value})[field]

    def _mistake(self, text: str) -> HookError:
        return HookError(f"resource {self._resource.name}: criteria: {text}")


def _is_sql(given: Any) -> bool:
    return isinstance(given, ClauseElement) or hasattr(given, "__clause_element__")
