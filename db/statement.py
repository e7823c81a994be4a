"""A SQLAlchemy statement, compiled once for one dialect and kept.

Compiling costs a hundred times what running does, so each shape of a statement (which columns,
which filters, which order) is compiled on first use; afterwards only values are bound.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import BindParameter, Dialect, bindparam
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Row = Sequence[Any]
Values = tuple[Any, ...]


# SQLAlchemy names parameters of its own after columns, so no column may be called like a slot.
_SLOT: Final = "__slot_"


def slot(index: int, kind: TypeEngine[Any]) -> BindParameter[Any]:
    """Mark the place in a statement that value number ``index`` is bound to."""
    return bindparam(f"{_SLOT}{index}", type_=kind, required=False)


class Statement:
    """SQL text and the order in which its placeholders take values.

    Attributes:
        sql: The text, in the driver's parameter style.
        bind: Puts values, given in slot order, into placeholder order.
        slow_until: The engine keeps it off the event loop until then (``time.monotonic``).
    """

    __slots__ = ("bind", "slow_until", "sql")

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        # An IN whose values the statement holds is written out now, not when it is run.
        compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):  # pragma: no cover - DDL never comes here
            raise TypeError("not a statement with parameters")
        self.sql: str = compiled.string
        self.bind = _binder(compiled)
        self.slow_until = 0.0


def _binder(compiled: SQLCompiler) -> Callable[[Values], Values]:
    """Make the function that puts values into placeholder order.

    Values that the statement itself holds (a literal in a criterion) are converted once, here.
    """
    names = list(compiled.positiontup or ())
    slots = [int(name[len(_SLOT) :]) if _is_slot(name) else None for name in names]
    size = len(slots)
    if slots == list(range(size)):
        # SQLAlchemy drops what a FALSE makes needless, its values' places included.
        return lambda values: values if len(values) == size else values[:size]
    if size > 1 and None not in slots:
        return itemgetter(*(index for index in slots if index is not None))
    held = {name: _convert(compiled, name) for name in names if not _is_slot(name)}

    def bind(values: Values) -> Values:
        return tuple(
            held[name] if index is None else values[index]
            for name, index in zip(names, slots, strict=True)
        )

    return bind


def _is_slot(name: str) -> bool:
    return name.startswith(_SLOT)


def _convert(compiled: SQLCompiler, name: str) -> Any:
    """Give the value that the statement holds under this name, as the driver wants it."""
    value = compiled.params[name]
    bound = compiled.binds.get(name)
    if bound is None:  # One value of an IN: its type is the whole list's.
        expanded = compiled._post_compile_expanded_state  # noqa: SLF001 - nothing public tells
        lists = {} if expanded is None else expanded.parameter_expansion
        bound = next(compiled.binds[whole] for whole, each in lists.items() if name in each)
    process = bound.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
    return process(value) if process else value
