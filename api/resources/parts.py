"""The parts catalog of Okta's sample."""

from db.models.part import Part
from encore import Service


def expose(service: Service) -> None:
    """Expose ``/parts``, and its upload by id."""
    parts = service.resource(
        Part,
        dialects=["react-admin", "refine", "json-server"],
        description="The parts of the catalog",
    )
    service.crud.upload(parts)
