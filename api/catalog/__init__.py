"""What this service exposes, one module a system. Adding a model is one line here."""

from api.crud import Crud
from db.models.part import Part


def expose(crud: Crud) -> None:
    """Expose every model of this service."""
    crud.resource(Part)
