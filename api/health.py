"""Health: is the process alive, and is it ready to serve.

Both need no token: orchestrators and load balancers ask them.
"""

from typing import Final

from fastapi import APIRouter

from api.errors import ServiceUnavailable
from db.database import Database
from db.errors import DatabaseError

LIVE: Final = "/livez"
READY: Final = "/readyz"


def health_routes(database: Database) -> APIRouter:
    """Make the two routes."""
    router = APIRouter(tags=["health"])

    @router.get(LIVE, summary="Is the process alive?")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(READY, summary="Can the database be read?")
    async def ready() -> dict[str, str]:
        try:
            await database.revision()
        except DatabaseError as error:
            raise ServiceUnavailable(
                "The database cannot be read", headers={"Retry-After": "1"}
            ) from error
        return {"status": "ready"}

    return router
