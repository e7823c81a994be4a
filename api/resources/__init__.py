"""What this service exposes, one module a system. Adding a model is one line here."""

from api.resources import quickstart
from api.resources.timesheets import TimesheetOptions, expose_timesheets
from api.settings import ApiSettings
from db.models.part import Part
from encore import Service


def expose(service: Service, settings: ApiSettings) -> None:
    """Expose every model of this service."""
    quickstart.expose(service)
    service.resource(Part)
    expose_timesheets(
        service.crud,
        TimesheetOptions(
            user_claim=settings.user_claim,
            hours_per_day=settings.max_hours_per_day,
            upload_limit=settings.upload_limit,
        ),
    )
