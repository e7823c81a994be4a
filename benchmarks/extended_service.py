"""Runs this service with more resources besides its own, as ``python -m api`` runs it."""

from collections.abc import Callable

from api import __main__ as service
from api import resources
from api.resources.timesheets import TimesheetOptions
from encore import Crud


def serve_with(add_resources: Callable[[Crud], None]) -> int:
    """Serve until SIGTERM; return the exit status."""
    expose_own = resources.expose

    def expose(crud: Crud, timesheets: TimesheetOptions) -> None:
        expose_own(crud, timesheets)
        add_resources(crud)

    resources.expose = expose
    return service.main([])
