"""The composition root: joins the settings, the resources and the migrations of this service."""

from typing import Final

from api import resources
from api.settings import ApiSettings
from encore import Service
from migrations import FOLDER

UPGRADE_COMMAND: Final = ".venv/bin/alembic upgrade head"
SCOPE_DESCRIPTIONS: Final = {
    "approve:timesheets": "Approve and reject timesheets, and see what was changed by whom",
    "batch:upload": "Upload timesheets",
    "lock:timesheets": "Lock periods, in which timesheets cannot be changed",
    "read:messages": "Read the message of the quickstart",
}
DOCTOR_COMMAND: Final = "python -m api doctor"


def create_service(settings: ApiSettings | None = None) -> Service:
    """Return the service, without connecting to the database or the issuer.

    Args:
        settings: The settings; loaded from the environment and the settings files by default.
    """
    settings = settings or ApiSettings.load()
    service = Service(
        settings,
        title="Encore",
        description="CRUD generated from SQLAlchemy models, protected by OAuth 2.0.",
        scope_descriptions=SCOPE_DESCRIPTIONS,
        migrations=FOLDER,
        upgrade_command=UPGRADE_COMMAND,
        doctor_command=DOCTOR_COMMAND,
    )
    resources.expose(service)
    return service
