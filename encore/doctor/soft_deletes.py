"""Checks of soft-deleted resources: what stops the start, and unique keys of deleted rows."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Table, UniqueConstraint

from encore.database.capabilities import is_partial_index
from encore.doctor.check_result import CheckResult, failed, note
from encore.errors import ConfigurationError
from encore.execution.resource import Resource
from encore.execution.soft_delete_checks import check_soft_delete

_PAGE = "docs/how-to/soft-delete.md#unique-columns"


def check_soft_deletes(resources: Sequence[Resource]) -> list[CheckResult]:
    """Return what is wrong with soft-deleted resources, and a note for each unique key."""
    results: list[CheckResult] = []
    for resource in resources:
        try:
            check_soft_delete(resource)
        except ConfigurationError as error:
            results.append(failed(f"resource {resource.name}", str(error)))
        for columns in _whole_unique_keys(resource.fields.table):
            message = f"{', '.join(columns)} must be unique among deleted rows too ({_PAGE})"
            results.append(note(f"table {resource.fields.table.name}", message))
    return results


def _whole_unique_keys(table: Table) -> Iterator[list[str]]:
    """Yield the columns of each unique constraint and index that counts deleted rows."""
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [str(column.name) for column in constraint.columns]
    for index in table.indexes:
        if index.unique and not is_partial_index(index):
            yield [str(column.name) for column in index.columns]
