"""The search index of a SQLite table: FTS5 with trigrams, kept up to date by triggers.

FTS5 stores a copy of the text under the rowid of its row, so that an entry can be deleted without
its old text. That keeps the index correct for every writer: ``INSERT OR REPLACE`` fires no delete
trigger for the row it removes (``PRAGMA recursive_triggers`` is off), but the entry is removed when
the rowid is used again; until then it names a missing row.

The rowid must be the primary key: VACUUM renumbers any other.
https://sqlite.org/fts5.html#the_trigram_tokenizer
"""

from collections.abc import Iterator
from typing import Final

from encore.database.search_index.index import SearchIndex, index_name, quoted

_EVENTS: Final = ("insert", "update", "delete")


def statements_to_create(index: SearchIndex) -> Iterator[str]:
    """Yield the SQL that creates the index and fills it.

    Raises:
        ValueError: The table is in another schema, where triggers cannot reach the index.
    """
    if index.schema is not None:
        raise ValueError("a table of an attached database cannot have a search index")
    yield from definitions(index).values()
    names = ["rowid", *index.quoted_columns]
    # Qualified, because SQLite takes a quoted name that is no column for a string.
    stored = ", ".join(f"stored.{name}" for name in names)
    rows = f"SELECT {stored} FROM {quoted(index.table)} AS stored"  # noqa: S608 - names, quoted
    yield f"INSERT INTO {quoted(index.name)} ({', '.join(names)}) {rows}"


def statements_to_drop(table: str, _: str | None) -> Iterator[str]:
    """Yield the SQL that drops the index, or its remains."""
    name = index_name(table)
    for event in _EVENTS:
        yield f"DROP TRIGGER IF EXISTS {quoted(f'{name}_{event}')}"
    yield f"DROP TABLE IF EXISTS {quoted(name)}"


def definitions(index: SearchIndex) -> dict[str, str]:
    """Return the SQL definitions of the index's parts, by name.

    SQLite stores them verbatim and the service compares them at start-up, so changing them
    invalidates every existing index.
    """
    table, fts = quoted(index.table), quoted(index.name)
    columns = index.quoted_columns
    listed = ", ".join(columns)
    new = ", ".join(f"new.{column}" for column in columns)
    differs = " OR ".join(f"old.{c} IS NOT new.{c} COLLATE BINARY" for c in columns)
    forget = f"DELETE FROM {fts} WHERE rowid ="  # noqa: S608 - names, quoted
    remember = f"INSERT INTO {fts} (rowid, {listed}) VALUES (new.rowid, {new});"  # noqa: S608 - as above
    replace = f"{forget} old.rowid; {forget} new.rowid; {remember}"
    changed = f"old.rowid IS NOT new.rowid OR {differs}"
    bodies = (
        f"INSERT ON {table} BEGIN {forget} new.rowid; {remember} END",
        # Not UPDATE OF: the key may be set under another name, such as rowid.
        f"UPDATE ON {table} WHEN {changed} BEGIN {replace} END",
        f"DELETE ON {table} BEGIN {forget} old.rowid; END",
    )
    triggers = {f"{index.name}_{event}": body for event, body in zip(_EVENTS, bodies, strict=True)}
    return {
        index.name: f"CREATE VIRTUAL TABLE {fts}"
        f" USING fts5({listed}, tokenize = 'trigram', columnsize = 0)",
        **{name: f"CREATE TRIGGER {quoted(name)} AFTER {body}" for name, body in triggers.items()},
    }
