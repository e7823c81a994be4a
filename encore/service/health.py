"""Health checks for orchestrators and load balancers: liveness and readiness, without a token."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter

from encore.database.errors import DatabaseError, DatabaseNotReady
from encore.database.protocol import Database
from encore.errors import Draining, ServiceUnavailable

_RETRY: Final = {"Retry-After": "1"}
TAG: Final = "health"
LIVE: Final = "/livez"
READY: Final = "/readyz"
_ALIVE: Final = {"status": "alive"}
_ALL_READY: Final = {"status": "ready"}


def health_routes(database: Database, *, is_draining: Callable[[], bool]) -> APIRouter:
    """Return a router with both routes.

    Args:
        database: The database, which readiness checks.
        is_draining: Returns whether the service is about to stop.
    """
    router = APIRouter(tags=[TAG])

    @router.get(
        LIVE,
        summary="Is the process alive?",
        operation_id="check_liveness",
        responses=_example(_ALIVE),
    )
    async def live() -> dict[str, str]:
        """Answers while the process serves requests; looks at nothing else."""
        return _ALIVE

    @router.get(
        READY,
        summary="Can the database be read and written?",
        operation_id="check_readiness",
        responses=_example(_ALL_READY),
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
        return _ALL_READY

    return router


def _example(response: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    """Return the description of a response that is always the same."""
    return {200: {"content": {"application/json": {"example": response}}}}
