"""The trigger of a PostgreSQL table that fills its history table.

The author is a setting of the transaction, which the service sets when the transaction begins. All
entries of a transaction have its timestamp, so that no past state shows a part of it; but no entry
is before the row's last one, which another transaction may have written that began later.

``*<>`` compares the stored bytes of two rows, so that types without ``=`` (JSON) compare too.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from encore.database.callers import Author
from encore.database.history.recorded_table import (
    AUTHOR_COLUMNS,
    AUTHOR_SETTING,
    BASELINE,
    CREATE,
    DELETE,
    EXISTS,
    OPERATION,
    RECORDED_AT,
    SEQUENCE,
    TRIGGER,
    TRUNCATE_TRIGGER,
    UPDATE,
    RecordedTable,
    listed,
    quoted,
)

NOW: Final = "transaction_timestamp()"
_AUTHOR: Final = ", ".join(f"author->>'{member}'" for member in Author._fields)


def set_author(author: Author) -> str:
    """Return the SQL that names the author of the current transaction; it contains only hex."""
    stored = author.stored._asdict()
    values = {name: value for name, value in stored.items() if value is not None}
    json_text = json.dumps(values).encode().hex()
    return (
        f"SELECT set_config('{AUTHOR_SETTING}',"
        f" convert_from(decode('{json_text}', 'hex'), 'UTF8'), true)"
    )


def statements_to_prepare(recorded: RecordedTable) -> Iterator[str]:
    """Yield the SQL that keeps other writers of the table away until the transaction ends."""
    yield f"LOCK TABLE {quoted(recorded.table)} IN SHARE ROW EXCLUSIVE MODE"
    for trigger in (TRIGGER, TRUNCATE_TRIGGER):
        yield f"DROP TRIGGER IF EXISTS {quoted(trigger)} ON {quoted(recorded.table)}"


def statements_to_drop(table: str) -> Iterator[str]:
    """Yield the SQL that drops the function, and with it the trigger."""
    yield f"DROP FUNCTION IF EXISTS {quoted(f'{table}_history_record')}() CASCADE"


def definitions(recorded: RecordedTable) -> dict[str, str]:
    """Return the SQL definitions of the function and of the triggers, by kind."""
    function = quoted(recorded.function)
    return {
        "function": f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
        f" AS $history${body(recorded)}$history$",
        "trigger": f"CREATE TRIGGER {quoted(TRIGGER)} AFTER INSERT OR UPDATE OR DELETE"
        f" ON {quoted(recorded.table)} FOR EACH ROW EXECUTE FUNCTION {function}()",
        "truncate": f"CREATE TRIGGER {quoted(TRUNCATE_TRIGGER)} BEFORE TRUNCATE"
        f" ON {quoted(recorded.table)} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    }


def body(recorded: RecordedTable) -> str:
    """Return the body of the function, which the service compares at start-up."""
    every = (*recorded.columns, *recorded.exclude)
    return (
        f" DECLARE author json := nullif(current_setting('{AUTHOR_SETTING}', true), '')::json;"
        " latest timestamptz;"
        " BEGIN"
        f" IF TG_OP = 'TRUNCATE' THEN {_truncation(recorded)} RETURN NULL; END IF;"
        " IF TG_OP = 'UPDATE' THEN"
        f" IF NOT ({image_differs(every, 'OLD', 'NEW')}) THEN RETURN NULL; END IF;"
        f" {_baseline(recorded)}"
        f" IF {image_differs(recorded.key, 'OLD', 'NEW')} THEN"
        f" {_entry(recorded, DELETE, 'OLD.')}"
        f" {_latest(recorded, 'NEW.')} {_entry(recorded, CREATE, 'NEW.')}"
        f" ELSE {_entry(recorded, UPDATE, 'NEW.')} END IF;"
        f" ELSIF TG_OP = 'DELETE' THEN {_baseline(recorded)} {_entry(recorded, DELETE, 'OLD.')}"
        f" ELSE {_latest(recorded, 'NEW.')} {_entry(recorded, CREATE, 'NEW.')} END IF;"
        " RETURN NULL; END "
    )


def image_differs(names: Sequence[str], one: str, other: str) -> str:
    """Return the condition that two rows differ in a column."""
    return f"ROW({listed(names, f'{one}.')})::record *<> ROW({listed(names, f'{other}.')})::record"


def _latest(recorded: RecordedTable, row: str) -> str:
    """Return what sets ``latest`` to the time of the row's last entry; null without one."""
    same = " AND ".join(f"entry.{quoted(key)} = {row}{quoted(key)}" for key in recorded.key)
    return (
        f"latest := (SELECT entry.{quoted(RECORDED_AT)} FROM {quoted(recorded.name)} AS entry"  # noqa: S608 - names, quoted
        f" WHERE {same} ORDER BY entry.{quoted(SEQUENCE)} DESC LIMIT 1);"
    )


def _entry(recorded: RecordedTable, operation: str, row: str) -> str:
    names = [OPERATION, RECORDED_AT, EXISTS, *AUTHOR_COLUMNS, *recorded.columns]
    return (
        f"INSERT INTO {quoted(recorded.name)} ({listed(names)})"  # noqa: S608 - as above
        f" VALUES ('{operation}', greatest({NOW}, latest), {str(operation != DELETE).lower()},"
        f" {_AUTHOR}, {listed(recorded.columns, row)});"
    )


def _truncation(recorded: RecordedTable) -> str:
    """Return the INSERT of an entry for each row of a table that is about to be emptied."""
    names = [OPERATION, RECORDED_AT, EXISTS, *AUTHOR_COLUMNS, *recorded.columns]
    same = " AND ".join(f"entry.{quoted(key)} = stored.{quoted(key)}" for key in recorded.key)
    return (
        f"INSERT INTO {quoted(recorded.name)} ({listed(names)})"  # noqa: S608 - as above
        f" SELECT '{DELETE}', greatest({NOW}, (SELECT max(entry.{quoted(RECORDED_AT)})"
        f" FROM {quoted(recorded.name)} AS entry WHERE {same})), false, {_AUTHOR},"
        f" {listed(recorded.columns, 'stored.')} FROM {quoted(recorded.table)} AS stored;"
    )


def _baseline(recorded: RecordedTable) -> str:
    """Return what records the former state of a row that has no entry yet."""
    names = [OPERATION, RECORDED_AT, EXISTS, *recorded.columns]
    return (
        f"{_latest(recorded, 'OLD.')} IF latest IS NULL THEN"  # noqa: S608 - as above
        f" INSERT INTO {quoted(recorded.name)} ({listed(names)})"
        f" VALUES ('{BASELINE}', {NOW}, true, {listed(recorded.columns, 'OLD.')}); END IF;"
    )
