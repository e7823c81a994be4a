"""The composition root: the one place that joins this service's settings, resources and schema."""

from typing import Final

from api import resources
from api.settings import ApiSettings
from encore import Service
from migrations import FOLDER

UPGRADE: Final = ".venv/bin/alembic upgrade head"


def create_service(settings: ApiSettings | None = None) -> Service:
    """Create the service, not yet connected to anything.

    Args:
        settings: All of them; read from the environment if not given.
    """
    settings = settings or ApiSettings.load()
    service = Service(
        settings,
        title="Encore",
        description="CRUD generated from SQLAlchemy models, behind one OAuth 2.0 gate.",
        migrations=FOLDER,
        upgrade_command=UPGRADE,
    )
    resources.expose(service)
    return service
