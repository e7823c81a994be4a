"""The timesheets of Auth0's server-to-API scenario: entries, uploads, approvals, summaries."""

from api.catalog.timesheets.approvals import expose_approvals
from api.catalog.timesheets.entries import expose_entries
from api.catalog.timesheets.history import expose_history
from api.catalog.timesheets.policies import Policies, TimesheetOptions
from api.catalog.timesheets.summary import expose_summary
from api.catalog.timesheets.uploads import expose_uploads
from api.crud import Crud

__all__ = ["TimesheetOptions", "expose_timesheets"]


def expose_timesheets(crud: Crud, options: TimesheetOptions) -> None:
    """Expose the whole system."""
    policies = Policies.of(options, crud.dialect)
    timesheets = expose_entries(crud, policies)
    expose_uploads(crud, timesheets, policies, options.upload_limit)
    expose_summary(crud, timesheets, policies)
    expose_approvals(crud, policies)
    expose_history(crud)
