"""Every case, in the order of finale-rest's own behaviour: actions first, hooks last."""

from benchmarks.compare.cases import (
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
from benchmarks.compare.cases.case import Case

CASES: tuple[Case, ...] = (
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
