"""The parts catalog of Okta's sample."""

from db.models.part import Part
from encore import Service


def expose(service: Service) -> None:
    """Expose the parts."""
    service.resource(Part)
