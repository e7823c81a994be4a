"""A SQLAlchemy statement, compiled once for one dialect and kept.

Compiling costs a hundred times what running does, so each shape of a statement (which columns,
which filters, which order) is compiled on first use; afterwards only values are bound. Callers
choose shapes, so a statement that has not run yet is compiled and prepared in a thread
(``compile_in_thread``), never on the event loop.
"""

import asyncio
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, Dialect, bindparam
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from encore.database.callers import current_caller
from encore.database.cancellation import shield_until_done
from encore.database.execution_hints import ExecutionHints
from encore.database.fair_queue import FairQueue
from encore.database.threads import run_in_thread, short_switch_interval

Row = Sequence[Any]
Values = tuple[Any, ...]
_Source = tuple[ClauseElement | Callable[[], ClauseElement], Dialect]


# SQLAlchemy names parameters of its own after columns, so no column may be called like a slot.
_SLOT: Final = "__slot_"

_COMPILED: Final = (
    "bind",
    "is_planned_each_time",
    "is_uninterruptible",
    "scans_long_text",
    "sql",
)
"""The attributes that a statement has once it is compiled."""


def param(index: int, kind: TypeEngine[Any]) -> BindParameter[Any]:
    """Mark the place in a statement that value number ``index`` is bound to."""
    return bindparam(f"{_SLOT}{index}", type_=kind, required=False)


class Statement:
    """SQL text and the order in which its placeholders take values.

    Args:
        clause: What to compile; or a function that builds it, to be called on first use.
        dialect: What to compile for.

    Attributes:
        sql: The text, in the driver's parameter style.
        bind: Puts values, given in slot order, into placeholder order.
        slow_until: The engine keeps it off the event loop until then (``time.monotonic``).
        known: Set by the engine when the statement has run once and may be prepared and started
            on the event loop.
        is_heavy: Set by the engine when a run on the event loop took long enough for others to
            notice, so that such statements take turns.
        used: A mark for the cache that holds it: used since it was looked at.
        scans_long_text: Matches patterns against text of unlimited length: one row may take long.
        is_uninterruptible: SQLite cannot stop it at its deadline: it never runs on the event loop.
        is_planned_each_time: PostgreSQL is to plan it for the values, each time that it is run.
    """

    __slots__ = (
        "_source",
        "bind",
        "is_heavy",
        "is_planned_each_time",
        "is_uninterruptible",
        "known",
        "scans_long_text",
        "slow_until",
        "sql",
        "used",
    )

    sql: str
    bind: Callable[[Values], Values]
    scans_long_text: bool
    is_planned_each_time: bool
    is_uninterruptible: bool

    def __init__(
        self, clause: ClauseElement | Callable[[], ClauseElement], dialect: Dialect
    ) -> None:
        self._source: _Source | None = (clause, dialect)
        self.slow_until = 0.0
        self.known = False
        self.is_heavy = False
        self.used = False
        if isinstance(clause, ClauseElement):
            self.compile()

    @property
    def compiled(self) -> bool:
        """Whether it has been compiled."""
        return self._source is None

    def compile(self) -> None:
        """Compile, unless that has been done."""
        if self._source is None:
            return
        source, dialect = self._source
        clause = source if isinstance(source, ClauseElement) else source()
        # An IN whose values the statement holds is written out now, not when it is run.
        compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):  # pragma: no cover - DDL never comes here
            raise TypeError("not a statement with parameters")
        self.sql = compiled.string
        self.bind = _binder(compiled)
        hints = [element for element in iterate(clause) if isinstance(element, ExecutionHints)]
        self.scans_long_text = any(hint.scans_long_text for hint in hints)
        self.is_planned_each_time = any(hint.needs_plan_for_values for hint in hints)
        self.is_uninterruptible = any(hint.is_uninterruptible for hint in hints)
        self._source = None

    def __getattr__(self, name: str) -> Any:
        """Compile now: what is asked for has no value yet, since nothing has run it."""
        if name not in _COMPILED or self._source is None:
            raise AttributeError(name)
        self.compile()
        return getattr(self, name)


# One at a time, or the event loop would get a smaller share of the interpreter.
_COMPILERS: Final = 1
_COMPILING_S: Final = 10.0
_WAITING: Final = 256
_queues: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, FairQueue]] = WeakKeyDictionary()


async def compile_in_thread(statement: Statement) -> None:
    """Compile a statement while the event loop goes on, unless that has been done.

    Clients that send new shapes of statements take turns.

    Raises:
        DatabaseBusy: This client's turn did not come in time.
    """
    if statement.compiled:
        return
    queue = _queue()
    param = await queue.acquire(current_caller.get())
    try:
        with short_switch_interval.active():
            compiling = run_in_thread("sql-compiler", statement.compile)
            await shield_until_done(asyncio.ensure_future(compiling))
    finally:
        queue.release(param)


def _queue() -> FairQueue:
    """Return the event loop's queue for compiling."""
    loop = asyncio.get_running_loop()
    if loop not in _queues:
        _queues[loop] = FairQueue(
            _COMPILERS, share=_COMPILERS, waiting=_WAITING, seconds=_COMPILING_S
        )
    return _queues[loop]


def _binder(compiled: SQLCompiler) -> Callable[[Values], Values]:
    """Make the function that puts values into placeholder order.

    Values that the statement itself holds (a literal in a criterion) are converted once, here.
    """
    names = list(compiled.positiontup or ())
    params = [int(name[len(_SLOT) :]) if _is_slot(name) else None for name in names]
    size = len(params)
    if params == list(range(size)):
        # SQLAlchemy drops what a FALSE makes needless, its values' places included.
        return lambda values: values if len(values) == size else values[:size]
    if size > 1 and None not in params:
        return itemgetter(*(index for index in params if index is not None))
    held = {name: _convert(compiled, name) for name in names if not _is_slot(name)}

    def bind(values: Values) -> Values:
        return tuple(
            held[name] if index is None else values[index]
            for name, index in zip(names, params, strict=True)
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
