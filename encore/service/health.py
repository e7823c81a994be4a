"""Health checks for orchestrators and load balancers: liveness and readiness, without a token."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter

from encore.database.errors import DatabaseError, DatabaseNotReady
from encore.database.protocol import Database
from encore.errors import Draining, ServiceUnavailable

_RETRY: Final = {"Retry-After": "1"}
TAG: Final = "health"
LIVE: Final = "/livez"
READY: Final = "/readyz"


def health_routes(database: Database, *, is_draining: Callable[[], bool]) -> APIRouter:
    """Return a router with both routes.

    Args:
        database: The database, which readiness checks.
        is_draining: Returns whether the service is about to stop.
    """
    router = APIRouter(tags=[TAG])

    @router.get(LIVE, summary="Is the process alive?", operation_id="check_liveness")
    async def live() -> dict[str, str]:
        """Answers while the process serves requests; looks at nothing else."""
        return {"status": "alive"}

    @router.get(
        READY, summary="Can the database be read and written?", operation_id="check_readiness"
    )
    async def ready() -> dict[str, str]:
        """Answers 503 while the database cannot be read and written, or the service stops."""
        if is_draining():
            raise Draining
        try:
            await database.check()
        except DatabaseNotReady as error:
            raise ServiceUnavailable(str(error), headers=_RETRY) from error
        except DatabaseError as error:
            raise ServiceUnavailable("The database cannot be read", headers=_RETRY) from error
        return {"status": "ready"}

    return router
