"""The search index of a PostgreSQL table: GIN over the trigrams of the folded text (``pg_trgm``).

What ``lower`` and ``ILIKE`` fold depends on the collation and on the version of the operating
system or ICU, and differs from what SQLite folds. So functions that the migration creates fold the
text, and no upgrade changes them: ASCII text by ``lower`` with the collation "C", other text by
``translate``, which compares each character with each of its list and therefore gets short lists.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from collections.abc import Iterator, Sequence
from typing import Final

from encore.database.search_index.folding import FOLDS
from encore.database.search_index.index import SearchIndex, index_name, quoted

FOLD: Final = "encore_fold"
_FOLD_UNICODE: Final = "encore_fold_unicode"
_LETTERS_PER_STEP: Final = 48


def statements_to_create(index: SearchIndex) -> Iterator[str]:
    """Yield the SQL that creates the index, with the extension and functions that it needs."""
    table = qualified(index.table, index.schema)
    fold = qualified(FOLD, index.schema)
    yield "CREATE EXTENSION IF NOT EXISTS pg_trgm"
    yield from _functions(index.schema)
    expressions = ", ".join(
        f'{fold}({column} COLLATE "C") gin_trgm_ops' for column in index.quoted_columns
    )
    yield f"CREATE INDEX {quoted(index.name)} ON {table} USING gin ({expressions})"
    # The planner estimates from samples of the folded text how frequent a term is.
    yield f"ANALYZE {table}"


def statements_to_drop(table: str, schema: str | None) -> Iterator[str]:
    """Yield the SQL that drops the index, and the functions if no other index needs them."""
    functions = ", ".join(f"{qualified(name, schema)}(text)" for name in (FOLD, _FOLD_UNICODE))
    yield f"DROP INDEX IF EXISTS {qualified(index_name(table), schema)}"
    yield (
        f"DO $do$ BEGIN DROP FUNCTION IF EXISTS {functions};"
        " EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $do$"
    )


def qualified(name: str, schema: str | None) -> str:
    """Return a quoted name, with its schema if it has one."""
    return quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"


def _functions(schema: str | None) -> Iterator[str]:
    fold, fold_unicode = (qualified(name, schema) for name in (FOLD, _FOLD_UNICODE))
    points = sorted(point for point in FOLDS if not chr(point).isascii())
    parts = (points[n : n + _LETTERS_PER_STEP] for n in range(0, len(points), _LETTERS_PER_STEP))
    steps = " ".join(map(_step, parts))
    yield (
        f"CREATE OR REPLACE FUNCTION {fold_unicode}(value text) RETURNS text"
        " LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $fold$"
        ' DECLARE folded text := lower(value COLLATE "C");'
        f" BEGIN IF {_holds(points)} THEN {steps} END IF; RETURN folded; END $fold$"
    )
    # The planner inlines this function, which a STRICT one would prevent.
    yield (
        f"CREATE OR REPLACE FUNCTION {fold}(value text) RETURNS text"
        " LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        " RETURN CASE WHEN octet_length(value) = char_length(value)"
        f' THEN lower(value COLLATE "C") ELSE {fold_unicode}(value) END'
    )


def _step(points: Sequence[int]) -> str:
    """Return the statement that folds some letters, if the text contains one of them."""
    letters, folded = _text(points), _text([FOLDS[point] for point in points])
    return f"IF {_holds(points)} THEN folded := translate(folded, '{letters}', '{folded}'); END IF;"


def _holds(points: Sequence[int]) -> str:
    return f"folded COLLATE \"C\" ~ '[{_text(points)}]'"


def _text(points: Sequence[int]) -> str:
    return "".join(map(chr, points))
