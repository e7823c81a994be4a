"""The timesheets of Auth0's server-to-API scenario: entries, uploads, approvals, locks, sums."""

from api.resources.timesheets.approvals.resource import expose_approvals, expose_history
from api.resources.timesheets.entries import expose_entries
from api.resources.timesheets.locks import expose_locks
from api.resources.timesheets.services import TimesheetServices
from api.resources.timesheets.settings import TimesheetSettings
from api.resources.timesheets.summary.resource import expose_summary
from api.resources.timesheets.uploads import expose_uploads
from encore import Service

__all__ = ["TimesheetSettings", "expose"]


def expose(service: Service) -> None:
    """Expose entries, uploads, locks, summaries, approvals and history.

    Raises:
        TypeError: The service's settings are not a subclass of ``TimesheetSettings``.
    """
    settings = service.settings
    if not isinstance(settings, TimesheetSettings):
        raise TypeError("the settings of the service must be a subclass of TimesheetSettings")
    crud = service.crud
    services = TimesheetServices.create(settings, crud.dialect)
    timesheets = expose_entries(crud, services)
    expose_uploads(crud, timesheets, services)
    expose_locks(crud, services)
    expose_summary(crud, timesheets, services)
    expose_approvals(crud, services)
    expose_history(crud, services)
