"""Conditions: which rows are imported, by [skip] and [only]."""

from collections.abc import Callable, Mapping, Sequence

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.globs import compile_globs
from client.importing.mapping.keys import as_strings
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import Row, compile_selector
from client.importing.rows.values import to_text

Condition = Callable[[Row], bool]


def compile_conditions(mapping: FieldMapping, columns: Sequence[str]) -> Condition | None:
    """Return the function that tells whether a row is skipped; None if no row is.

    A row is skipped if any column of [skip] fits one of its globs, or if any column of [only] fits
    none. A missing value is empty.

    Raises:
        SourceError: CSV has no such column.
    """
    skip = _compile_table(mapping.skip, columns)
    only = _compile_table(mapping.only, columns)
    if not skip and not only:
        return None
    if len(skip) == 1 and not only:
        return skip[0]
    return lambda row: any(fits(row) for fits in skip) or not all(fits(row) for fits in only)


def _compile_table(
    table: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> tuple[Condition, ...]:
    return tuple(_compile(column, patterns, columns) for column, patterns in table.items())


def _compile(column: str, patterns: Sequence[str], columns: Sequence[str]) -> Condition:
    select = compile_selector(parse_expression(column), columns)
    fits = compile_globs(as_strings(patterns))

    def condition(row: Row) -> bool:
        value = select(row)
        if value.__class__ is not str:
            try:
                value = to_text(value)
            except ValueError as error:
                raise RowError(f"{column} {error}") from error
        return fits(value)

    return condition
