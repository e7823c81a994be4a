"""The composition root: the one place that knows every concrete part, and joins them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI

from api import resources as catalog
from api.resources import quickstart
from api.resources.timesheets import TimesheetOptions
from encore import Crud
from encore.database.factory import open_database
from encore.database.protocol import Database
from encore.database.startup import when_ready
from encore.http.access import PUBLIC, Access
from encore.http.application import Application
from encore.http.security_headers import security_headers
from encore.secret_key import Secret, StoredSecret, secret_of
from encore.service import docs, health
from encore.service.authentication import Authentication, token_url
from encore.service.schema_check import tell_waiting
from encore.settings import Settings
from migrations import older_revisions

PUBLIC_PATHS: Final = (health.LIVE, health.READY, docs.OPENAPI, docs.DOCS, docs.ASSETS)
"""What needs no token, besides routes that say ``@public`` themselves. Every other route names its
scopes, or the start stops."""


def create_app(
    settings: Settings, *, is_draining: Callable[[], bool] = lambda: False
) -> Application:
    """Join the parts into an app, not yet connected to anything.

    Args:
        settings: All of them.
        is_draining: Tells whether the process is about to stop.
    """
    database = open_database(settings.database_url, outdated=older_revisions())
    guard = Authentication(settings)
    given = settings.secret_key
    secret = secret_of(given) if given else StoredSecret(database)
    scopes = tuple(settings.scope.split())
    app = Application(
        title="Encore",
        version="0.1.0",
        description="CRUD generated from SQLAlchemy models, behind one OAuth 2.0 gate.",
        access=dict.fromkeys(PUBLIC_PATHS, PUBLIC),
        log_requests=settings.log_level in ("debug", "info"),
        headers=security_headers(settings.resource_url),
        max_concurrent_requests=settings.max_concurrent_requests,
        body_timeout=settings.body_timeout_seconds,
        always_admitted=(health.LIVE, health.READY),
        openapi_url=docs.OPENAPI,
        docs_url=None,
        redoc_url=None,
        lifespan=_connected(database, guard, secret, settings.database_wait_seconds),
    )
    guard.protect(app)
    app.router.routes.extend(health.health_routes(database, is_draining=is_draining).routes)
    app.router.routes.extend(quickstart.quickstart_routes().routes)
    crud = Crud(app, database, scopes=scopes, body_limit=settings.body_limit, secret=secret)
    catalog.expose(crud, _timesheet_options(settings))
    docs.add_docs(app, token_url=token_url(settings), default=Access(all_of=scopes))
    guard.describe(app)
    return app


def _timesheet_options(settings: Settings) -> TimesheetOptions:
    return TimesheetOptions(
        user_claim=settings.user_claim,
        hours_per_day=settings.max_hours_per_day,
        upload_limit=settings.upload_limit,
    )


def _connected(
    database: Database, guard: Authentication, secret: Secret, wait_seconds: int
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await when_ready(database.open, wait_seconds, tell_waiting)
        await secret.load()
        # In the background: an issuer that is down must not keep the service from starting.
        watching = asyncio.create_task(guard.open())
        try:
            yield
        finally:
            watching.cancel()
            await guard.aclose()
            await database.close()

    return lifespan
