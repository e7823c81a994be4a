"""What a database can do: the differences between SQLite and PostgreSQL that others ask for.

``Capabilities`` answers questions ("are there row locks?") so that no other room compares the name
of a dialect. It is looked up once, when a resource or statement is built, never for a request. SQL
that the databases write differently is in ``encore.database.expressions``.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Dialect, Index
from sqlalchemy.types import TypeEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one database can do.

    Attributes:
        row_locks: ``SELECT ... FOR UPDATE`` locks rows. Otherwise a transaction that writes has
            locked the whole database, and ``FOR UPDATE`` is not written.
        advisory_locks: Transactions can lock a number (``expressions.advisory_lock``).
        row_policies: Policies may hide rows from the database user (row-level security).
        planner_estimates: The planner estimates how many rows a SELECT has (``Explain``).
        identity_sequences: Ids come from sequences, which do not notice an id that a statement
            sets; ``GENERATED ALWAYS AS IDENTITY`` is enforced.
        nulls_are_largest: Nulls sort after all values in ascending order, also in indexes.
            Otherwise they sort before all values.
        exact_returning: RETURNING returns the type of each column. Otherwise integers and floats
            may be confused if the table has a column of floats.
        subqueries_reject_rows: A scalar subquery with several rows is an error. Otherwise its
            first row is the value.
        enforced_types: A column holds values of its declared type only. Otherwise any value may be
            in any column, so values are verified when they are read.
        exact_decimals: NUMERIC holds decimals exactly. Otherwise it holds doubles.
        sized_integers: SMALLINT and INTEGER have 16 and 32 bits. Otherwise all have 64 bits.
        time_zones: DATETIME and TIME columns can hold an offset from UTC.
        padded_char: CHAR(n) is padded with spaces, which comparisons ignore.
        parsed_json: The driver returns JSON columns as Python values. Bulk loading takes their
            text, and JSON compares as JSONB. Otherwise JSON is text everywhere.
        deferred_constraint_checks: A statement checks all deferred constraints at once. Otherwise
            each table with deferred foreign keys is searched for rows that violate them.
        writable_ctes: A common table expression can be an UPDATE or a DELETE. Otherwise the number
            of rows that a statement has changed is asked for afterwards (``changed_rows``).
        search_index_tables: A search index is a table (FTS5). Otherwise it is a GIN index over
            folded text.
    """

    row_locks: bool
    advisory_locks: bool
    row_policies: bool
    planner_estimates: bool
    identity_sequences: bool
    nulls_are_largest: bool
    exact_returning: bool
    subqueries_reject_rows: bool
    enforced_types: bool
    exact_decimals: bool
    sized_integers: bool
    time_zones: bool
    padded_char: bool
    parsed_json: bool
    deferred_constraint_checks: bool
    writable_ctes: bool
    search_index_tables: bool


SQLITE: Final = Capabilities(
    row_locks=False,
    advisory_locks=False,
    row_policies=False,
    planner_estimates=False,
    identity_sequences=False,
    nulls_are_largest=False,
    exact_returning=False,
    subqueries_reject_rows=False,
    enforced_types=False,
    exact_decimals=False,
    sized_integers=False,
    time_zones=False,
    padded_char=False,
    parsed_json=False,
    deferred_constraint_checks=False,
    writable_ctes=False,
    search_index_tables=True,
)

POSTGRESQL: Final = Capabilities(
    row_locks=True,
    advisory_locks=True,
    row_policies=True,
    planner_estimates=True,
    identity_sequences=True,
    nulls_are_largest=True,
    exact_returning=True,
    subqueries_reject_rows=True,
    enforced_types=True,
    exact_decimals=True,
    sized_integers=True,
    time_zones=True,
    padded_char=True,
    parsed_json=True,
    deferred_constraint_checks=True,
    writable_ctes=True,
    search_index_tables=False,
)

_CAPABILITIES: Final = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def capabilities_of(dialect: Dialect) -> Capabilities:
    """Return what the database of a dialect can do.

    Raises:
        ValueError: The database is not supported.
    """
    capabilities = _CAPABILITIES.get(dialect.name)
    if capabilities is None:
        raise ValueError(f"unsupported database: {dialect.name!r}")
    return capabilities


def variant_of(type_: TypeEngine[object], dialect: Dialect) -> TypeEngine[object]:
    """Return the variant of a column type for this database (``TypeEngine.with_variant``)."""
    return type_._variant_mapping.get(dialect.name, type_)  # noqa: SLF001 - no public accessor


def is_partial_index(index: Index) -> bool:
    """Return whether an index covers only rows that meet a condition, on any of the databases."""
    return any(index.dialect_options[name].get("where") is not None for name in _CAPABILITIES)
