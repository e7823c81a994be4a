"""The resources and routes of this service: one module or package per subject."""

from api.resources import parts, quickstart, timesheets
from encore import Service


def expose(service: Service) -> None:
    """Expose the resources and routes of this service."""
    quickstart.expose(service)
    parts.expose(service)
    timesheets.expose(service)
