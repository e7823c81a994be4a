"""The parts catalog of Okta's sample."""

from db.models.part import Part
from encore import Service


def expose(service: Service) -> None:
    """Expose ``/parts``."""
    service.resource(Part)
