"""What this service exposes, one module a system. Adding a model is one line here."""

from api.resources.timesheets import TimesheetOptions, expose_timesheets
from db.models.part import Part
from encore import Crud


def expose(crud: Crud, timesheets: TimesheetOptions) -> None:
    """Expose every model of this service."""
    crud.resource(Part)
    expose_timesheets(crud, timesheets)
