"""The timesheets of Auth0's server-to-API scenario: entries, uploads, approvals, summaries."""

from api.resources.timesheets.approvals import expose_approvals
from api.resources.timesheets.entries import expose_entries
from api.resources.timesheets.history import expose_history
from api.resources.timesheets.services import TimesheetOptions, TimesheetServices
from api.resources.timesheets.summary import expose_summary
from api.resources.timesheets.uploads import expose_uploads
from encore import Crud

__all__ = ["TimesheetOptions", "expose_timesheets"]


def expose_timesheets(crud: Crud, options: TimesheetOptions) -> None:
    """Expose the whole system."""
    policies = TimesheetServices.of(options, crud.dialect)
    timesheets = expose_entries(crud, policies)
    expose_uploads(crud, timesheets, policies, options.upload_limit)
    expose_summary(crud, timesheets, policies)
    expose_approvals(crud, policies)
    expose_history(crud)
