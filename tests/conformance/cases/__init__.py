"""All cases: actions first, then queries, errors, relations and hooks."""

from typing import Final

from tests.conformance.case import Case
from tests.conformance.cases import (
    actions,
    associations,
    errors,
    filters,
    hooks,
    nested_bodies,
    paging,
    search,
    sort,
)

CASES: Final[tuple[Case, ...]] = (
    *actions.CASES,
    *paging.CASES,
    *filters.CASES,
    *search.CASES,
    *sort.CASES,
    *errors.CASES,
    *associations.CASES,
    *nested_bodies.CASES,
    *hooks.CASES,
)
