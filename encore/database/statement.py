"""SQLAlchemy statements, compiled once for one dialect.

Compiling takes a hundred times as long as running, so each form of a statement (its columns,
filters and order) is compiled on first use; afterwards only values are bound. Callers choose the
forms, so a statement that has not run yet is compiled and prepared in a thread
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
_UncompiledClause = tuple[ClauseElement | Callable[[], ClauseElement], Dialect]


# SQLAlchemy names its parameters after columns, so no column may have such a name.
_PREFIX: Final = "__slot_"

_COMPILED: Final = (
    "bind",
    "is_planned_each_time",
    "is_uninterruptible",
    "scans_long_text",
    "sql",
)
"""The attributes that compiling sets."""


def param(index: int, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Return the bind parameter for the value at an index of a statement's values."""
    return bindparam(f"{_PREFIX}{index}", type_=type_, required=False)


class Statement:
    """A compiled SQL statement.

    Args:
        clause: The SQLAlchemy statement; or a function that returns it, called on first use.
        dialect: The dialect to compile for.

    Attributes:
        sql: The SQL, in the driver's parameter style.
        bind: Returns the values of the parameters, in the order of the driver's placeholders.
        slow_until: The database keeps it off the event loop until then (``time.monotonic``).
        known: Set by the database once the statement has run and may be prepared and started on
            the event loop.
        is_heavy: Set by the database when a run on the event loop took so long that such
            statements must take turns.
        used: Set by the cache that holds it: used since the last check.
        variants: Statements that are made of this one, by what distinguishes them.
        scans_long_text: Matches patterns against text of unlimited length: one row may take long.
        is_uninterruptible: SQLite cannot stop it at its deadline: it never runs on the event loop.
        is_planned_each_time: PostgreSQL plans it for its values each time.
    """

    __slots__ = (
        "_clause",
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
        "variants",
    )

    sql: str
    bind: Callable[[Values], Values]
    scans_long_text: bool
    is_planned_each_time: bool
    is_uninterruptible: bool

    def __init__(
        self, clause: ClauseElement | Callable[[], ClauseElement], dialect: Dialect
    ) -> None:
        self._source: _UncompiledClause | None = (clause, dialect)
        self._clause = (clause, dialect)
        self.variants: dict[Any, Any] = {}
        self.slow_until = 0.0
        self.known = False
        self.is_heavy = False
        self.used = False
        if isinstance(clause, ClauseElement):
            self.compile()

    @property
    def clause(self) -> ClauseElement:
        """The SQLAlchemy statement."""
        clause = self._clause[0]
        return clause if isinstance(clause, ClauseElement) else clause()

    @property
    def dialect(self) -> Dialect:
        """The dialect that it is compiled for."""
        return self._clause[1]

    @property
    def compiled(self) -> bool:
        """Whether the statement has been compiled."""
        return self._source is None

    def compile(self) -> None:
        """Compile the statement, unless it has been compiled."""
        if self._source is None:
            return
        source, dialect = self._source
        clause = source if isinstance(source, ClauseElement) else source()
        # An IN whose values the statement contains is expanded now, not when it is run.
        compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):  # pragma: no cover - no DDL is passed here
            raise TypeError("not a statement with parameters")
        self.sql = compiled.string
        self.bind = _binder(compiled)
        hints = [element for element in iterate(clause) if isinstance(element, ExecutionHints)]
        self.scans_long_text = any(hint.scans_long_text for hint in hints)
        self.is_planned_each_time = any(hint.needs_plan_for_values for hint in hints)
        self.is_uninterruptible = any(hint.is_uninterruptible for hint in hints)
        self._source = None

    def __getattr__(self, name: str) -> Any:
        """Compile on first access to an attribute that compiling sets."""
        if name not in _COMPILED or self._source is None:
            raise AttributeError(name)
        self.compile()
        return getattr(self, name)


# One at a time, so that the event loop keeps its share of the interpreter.
_COMPILERS: Final = 1
_COMPILING_S: Final = 10.0
_WAITING: Final = 256
_queues: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, FairQueue]] = WeakKeyDictionary()


async def compile_in_thread(statement: Statement) -> None:
    """Compile a statement in a thread, unless it has been compiled.

    Clients that send new forms of statements take turns.

    Raises:
        DatabaseBusy: The client's turn did not come in time.
    """
    if statement.compiled:
        return
    queue = _queue()
    slot = await queue.acquire(current_caller.get())
    try:
        with short_switch_interval.active():
            compiling = run_in_thread("sql-compiler", statement.compile)
            await shield_until_done(asyncio.ensure_future(compiling))
    finally:
        queue.release(slot)


def _queue() -> FairQueue:
    """Return the queue for compiling of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _queues:
        _queues[loop] = FairQueue(
            _COMPILERS, share=_COMPILERS, waiting=_WAITING, seconds=_COMPILING_S
        )
    return _queues[loop]


def _binder(compiled: SQLCompiler) -> Callable[[Values], Values]:
    """Return the function that puts values into the order of the placeholders.

    Values that the statement contains (a literal in a criterion) are converted once, here.
    """
    names = list(compiled.positiontup or ())
    params = [int(name[len(_PREFIX) :]) if _is_param(name) else None for name in names]
    size = len(params)
    if params == list(range(size)):
        # SQLAlchemy omits what a FALSE makes unnecessary, including its parameters.
        return lambda values: values if len(values) == size else values[:size]
    if size > 1 and None not in params:
        return itemgetter(*(index for index in params if index is not None))
    held = {name: _convert(compiled, name) for name in names if not _is_param(name)}

    def bind(values: Values) -> Values:
        return tuple(
            held[name] if index is None else values[index]
            for name, index in zip(names, params, strict=True)
        )

    return bind


def _is_param(name: str) -> bool:
    return name.startswith(_PREFIX)


def _convert(compiled: SQLCompiler, name: str) -> Any:
    """Return the value that the statement contains under a name, as a driver value."""
    value = compiled.params[name]
    bound = compiled.binds.get(name)
    if bound is None:  # One value of an IN: the list has the type.
        expanded = compiled._post_compile_expanded_state  # noqa: SLF001 - there is no public accessor
        lists = {} if expanded is None else expanded.parameter_expansion
        bound = next(compiled.binds[whole] for whole, each in lists.items() if name in each)
    process = bound.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
    return process(value) if process else value
