"""The composition root: the one place that knows every concrete part, and joins them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI

from api import catalog, docs, health
from api.auth import BearerGate, TrustedIssuer, Verifier
from api.crud import Crud
from api.http.exchange import PUBLIC, Access
from api.http.service import Service
from api.settings import Settings
from db.database import Database, open_database

PUBLIC_PATHS: Final = (health.LIVE, health.READY, docs.OPENAPI, docs.DOCS, docs.ASSETS)
"""What needs no token. Every other route names its scopes, or the start stops."""


def create_app(settings: Settings) -> Service:
    """Join the parts into an app, not yet connected to anything."""
    database = open_database(settings.database_url)
    verifier = Verifier([_trusted(settings)])
    app = Service(
        title="Encore",
        version="0.1.0",
        description="CRUD generated from SQLAlchemy models, behind one OAuth 2.0 gate.",
        access=dict.fromkeys(PUBLIC_PATHS, PUBLIC),
        log_requests=settings.log_level in ("debug", "info"),
        openapi_url=docs.OPENAPI,
        docs_url=None,
        redoc_url=None,
        lifespan=_connected(database, verifier),
    )
    app.add_middleware(BearerGate, verifier=verifier)
    app.router.routes.extend(health.health_routes(database).routes)
    catalog.expose(Crud(app, database, scopes=(settings.scope,), body_limit=settings.body_limit))
    docs.add_docs(
        app, token_url=f"{settings.issuer}/v1/token", default=Access(all_of=(settings.scope,))
    )
    return app


def _trusted(settings: Settings) -> TrustedIssuer:
    return TrustedIssuer(issuer=settings.issuer, audience=settings.audience)


def _connected(
    database: Database, verifier: Verifier
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        # In the background: an issuer that is down must not keep the service from starting.
        warming = asyncio.create_task(verifier.warm())
        try:
            yield
        finally:
            warming.cancel()
            await verifier.aclose()
            await database.close()

    return lifespan
