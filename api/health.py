"""Health: is the process alive, and is it ready to serve.

Both need no token: orchestrators and load balancers ask them.
"""

from typing import Final

from fastapi import APIRouter

from api.errors import ServiceUnavailable
from db.database import Database
from db.errors import DatabaseError, DatabaseNotReady

_RETRY: Final = {"Retry-After": "1"}
LIVE: Final = "/livez"
READY: Final = "/readyz"


def health_routes(database: Database) -> APIRouter:
    """Make the two routes."""
    router = APIRouter(tags=["health"])

    @router.get(LIVE, summary="Is the process alive?")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(READY, summary="Can the database be read and written?")
    async def ready() -> dict[str, str]:
        try:
            await database.check()
        except DatabaseNotReady as error:
            raise ServiceUnavailable(str(error), headers=_RETRY) from error
        except DatabaseError as error:
            raise ServiceUnavailable("The database cannot be read", headers=_RETRY) from error
        return {"status": "ready"}

    return router
