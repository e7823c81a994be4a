"""Checking deferred constraints before the end of a transaction, as its commit would."""

from collections.abc import Iterable

from sqlalchemy import MetaData, String, Table, TextClause, bindparam, text

from encore.database.capabilities import Capabilities


def deferred_checks(metadata: MetaData, capabilities: Capabilities) -> Iterable[TextClause]:
    """Yield the statements that check the deferred constraints of these tables.

    A statement raises the violation, or returns a row for each row that violates a foreign key:
    SQLite can only be asked for all violating rows of a table.

    Args:
        metadata: The tables.
        capabilities: Those of the database.
    """
    if capabilities.deferred_constraint_checks:
        yield text("SET CONSTRAINTS ALL IMMEDIATE")
        return
    for table in metadata.sorted_tables:
        if _has_deferred_key(table):
            statement = text('SELECT "table", rowid, fkid FROM pragma_foreign_key_check(:name)')
            name = table.name if table.schema is None else f"{table.schema}.{table.name}"
            yield statement.bindparams(bindparam("name", name, String(), literal_execute=True))


def _has_deferred_key(table: Table) -> bool:
    return any(
        key.deferrable and (key.initially or "").upper() == "DEFERRED"
        for key in table.foreign_key_constraints
    )
