"""The timesheets of Auth0's server-to-API scenario: entries, uploads, approvals, summaries."""

from api.catalog.timesheets.entries import expose_entries
from api.catalog.timesheets.policies import Policies, TimesheetOptions
from api.crud import Crud

__all__ = ["TimesheetOptions", "expose_timesheets"]


def expose_timesheets(crud: Crud, options: TimesheetOptions) -> None:
    """Expose the whole system."""
    policies = Policies.of(options, crud.dialect)
    expose_entries(crud, policies)
