"""``Service``: an application with its database, token gate, documentation, health and resources.

The smallest one::

    from encore import Service
    from models import Supplier

    service = Service()
    suppliers = service.resource(Supplier, scopes=["suppliers"])

``python -m encore dev module:service`` runs it with a development issuer, ``serve`` without.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Generic

from fastapi import FastAPI
from sqlalchemy import MetaData
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from typing_extensions import TypeVar

from encore.crud import Crud
from encore.database.factory import open_database
from encore.database.startup import wait_until_ready
from encore.database.tables import metadata as library_metadata
from encore.endpoints.endpoint import Operation
from encore.errors import ConfigurationError, StartupError, UnsupportedRoute
from encore.execution.actions import Action
from encore.execution.resource import Resource
from encore.http.access import AUTHENTICATED, PUBLIC, TOKEN_OPTIONAL, Access
from encore.http.application import Application
from encore.http.caller_fields import CallerFields
from encore.http.forwarded import TrustedProxies
from encore.http.route_table import RouteTable
from encore.http.security_headers import security_headers
from encore.models.mapped_class import Model
from encore.models.types import TypeAdapters
from encore.options import BatchOptions
from encore.secret_key import Secret, StoredSecret, parse_secret
from encore.service import health
from encore.service.authentication import Authentication
from encore.service.documentation.documentation import Documentation
from encore.service.documentation.paths import ASSETS, DOCS, OPENAPI, REDIRECT
from encore.service.revisions import older_revisions
from encore.service.tables import UPGRADE, Schema, log_waiting
from encore.settings import Settings

_DOCUMENTATION: Final = (OPENAPI, DOCS, REDIRECT, ASSETS)
PUBLIC_PATHS: Final = (health.LIVE, health.READY, *_DOCUMENTATION)
"""Paths that need no token, besides routes that are declared ``@public``; the documentation only
where ``PUBLIC_DOCS`` allows it. Every other route must declare its scopes; otherwise start-up
fails."""

DOCTOR: Final = "python -m encore doctor app:service"
"""With the documented placeholder: responses do not name a service's modules."""

MIGRATIONS: Final = Path("migrations")

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any] | None]]
"""As FastAPI's: what it yields is the ``state`` of every request."""


S_co = TypeVar("S_co", bound=Settings, covariant=True, default=Settings)
"""The class of a service's settings, so that ``service.settings.currency`` has a type."""


class Service(Application, Generic[S_co]):
    """A secured REST service over SQLAlchemy models, not yet connected to anything.

    Args:
        settings: The settings, or a subclass of ``Settings`` to be loaded from the environment.
        title: The name in the documentation.
        version: The version of the API.
        description: A sentence for the documentation.
        base: Stands before the path of every resource: ``/v1``.
        types: JSON conversions of column types; see ``TypeAdapter``.
        compatible: ``"finale"`` for front ends made for Finale.
        dialects: The query languages of stock front ends that lists understand: ``react-admin``,
            ``refine`` and ``json-server``.
        batch: Whether many operations can be sent in one request to ``/batch``; its path, or
            ``BatchOptions``.
        scope_descriptions: What scopes allow, in words, for the documentation; a scope that is not
            among them is described by the operations that need it.
        migrations: The folder of Alembic's scripts; ``migrations`` of the current folder if there
            is one.
        upgrade_command: What brings the database to the newest revision, for messages.
        doctor_command: What runs the doctor, for the hint in the response to an invalid token;
            empty for no hint.
        lifespan: An async context manager that is entered once the database is open.

    Attributes:
        settings: The settings.
        database: The database; open while the service runs.
        crud: Exposes models: ``crud.upload``, ``crud.custom_action``.
        is_draining: Returns whether the process is about to stop.

    Raises:
        StartupError: A setting is missing, invalid or misspelt, a file it names is unusable, or the
            migrations have several newest revisions.
    """

    def __init__(
        self,
        settings: S_co | type[S_co] = Settings,  # type: ignore[assignment] # the default of S_co
        *,
        title: str = "API",
        version: str = "0.1.0",
        description: str = "Generated from SQLAlchemy models, secured by OAuth 2.0.",
        base: str = "",
        types: TypeAdapters | None = None,
        compatible: str | None = None,
        dialects: Sequence[str] = (),
        batch: bool | str | BatchOptions = True,
        scope_descriptions: Mapping[str, str] | None = None,
        migrations: Path | str | None = None,
        upgrade_command: str = UPGRADE,
        doctor_command: str = DOCTOR,
        lifespan: Lifespan | None = None,
    ) -> None:
        settings = _load_settings(settings)
        self.settings: S_co = settings
        self.is_draining: Callable[[], bool] = _is_not_draining
        self._migrations = _migrations(migrations)
        self._upgrade_command = upgrade_command
        outdated = older_revisions(self._migrations) if self._migrations else frozenset()
        self.database = open_database(settings.database_url, outdated=outdated)
        hint = f"To see why, run on the server: {doctor_command} token" if doctor_command else None
        self._authentication = Authentication(settings, hint)
        self._secret = self._make_secret()
        proxies = TrustedProxies(settings.trusted_proxies, settings.forwarded_header)
        super().__init__(
            title=title,
            version=version,
            description=description,
            access=_access(settings),
            log_requests=settings.log_level in ("debug", "info"),
            headers=security_headers(settings.resource_url),
            max_concurrent_requests=settings.max_concurrent_requests,
            body_timeout=settings.body_timeout_seconds,
            trusted_proxies=proxies,
            caller_fields=CallerFields(settings.log_subjects, self._secret),
            always_admitted=(health.LIVE, health.READY),
            openapi_url=None,  # Its route is one of the documentation's.
            docs_url=None,
            redoc_url=None,
            lifespan=self._connected(lifespan),
            openapi_tags=[{"name": health.TAG, "description": "Whether the service is available"}],
        )
        self._scope_descriptions = _check_descriptions(scope_descriptions or {})
        self.library_paths.update(PUBLIC_PATHS)
        self._authentication.protect(self)
        health_routes = health.health_routes(self.database, is_draining=self._is_draining)
        self.router.routes.extend(health_routes.routes)
        scopes = tuple(settings.scope.split())
        self.crud = Crud(
            self,
            self.database,
            base=base,
            scopes=scopes,
            body_limit=settings.body_limit,
            upload_limit=settings.upload_limit,
            idempotency_hours=settings.idempotency_hours,
            secret=self._secret,
            types=types,
            compatible=compatible,
            dialects=dialects,
            batch=batch,
        )
        self._documentation = Documentation(
            self, settings, self._authentication, proxies, self._scope_descriptions
        )

    def resource(self, model: Model, *, scopes: Sequence[str] = (), **options: Any) -> Resource:
        """Expose a model.

        Args:
            model: A SQLAlchemy declarative model.
            scopes: What a token must hold for every action, in place of the setting SCOPE; short
                for ``access={"all": scopes}``.
            options: As ``ResourceOptions`` explains them.

        Raises:
            ConfigurationError: An option is unknown or wrong; names the resource and the option.
        """
        if scopes:
            access = options.setdefault("access", {})
            if isinstance(scopes, str):
                raise ConfigurationError(model.__name__, "scopes", "must be a list of scopes")
            if not isinstance(access, Mapping) or "all" in access:
                raise ConfigurationError(model.__name__, "scopes", "contradicts the option access")
            options["access"] = {"all": tuple(scopes), **access}
        return self.crud.resource(model, **options)

    def resources(self) -> list[Resource]:
        """Return the resources that have a list, in the order of their routes."""
        return resources_of(self.router.routes)

    def soft_deleted_resources(self) -> list[Resource]:
        """Return the resources with ``soft_delete``, one for each table."""
        resources = (action.resource for action in _actions_of(self.router.routes))
        found = {r.fields.table: r for r in resources if r.soft_delete is not None}
        return list(found.values())

    def schema(self) -> Schema:
        """Return what the database must be: its revision, or its tables."""
        # Also of a resource that has no list.
        models = (action.resource.options.model for action in _actions_of(self.router.routes))
        metadata = (*dict.fromkeys(model.metadata for model in models), library_metadata)
        url = self.settings.database_url
        return Schema(url, self._migrations, metadata, self._upgrade_command)

    @property
    def migrations(self) -> Path | None:
        """The folder of Alembic's scripts; None where there is none."""
        return self._migrations

    @property
    def metadata(self) -> tuple[MetaData, ...]:
        """What the models of all resources declare, without the tables of this library."""
        return tuple(m for m in self.schema().metadata if m is not library_metadata)

    def build_middleware_stack(self) -> ASGIApp:
        """Build the chain, once all routes are known: the metadata route names their scopes."""
        self._check_event_handlers()
        self._check_described_scopes()
        self._documentation.add_home()
        self._authentication.describe(self)
        return super().build_middleware_stack()

    def check_routes(self) -> None:
        """Check the routes as a start does, in the process that reports mistakes in one line.

        Raises:
            RouteError: A route declares no access or two, or is of an unsupported type.
        """
        self._check_event_handlers()
        self._check_described_scopes()
        RouteTable(self.router.routes, self.access)

    def _check_described_scopes(self) -> None:
        """Raise ``ConfigurationError`` for a description of a scope that no operation needs."""
        known = sorted(self.scopes())
        for scope in self._scope_descriptions:
            if scope not in known:
                message = f"no operation needs {scope!r}; needed are {', '.join(known) or 'none'}"
                raise ConfigurationError("Service", "scope_descriptions", message)

    def _check_event_handlers(self) -> None:
        if self.router.on_startup or self.router.on_shutdown:
            raise UnsupportedRoute(
                "handlers of on_event, on_startup and on_shutdown are not supported, and would"
                " never run: pass lifespan=... to Service or to a router"
            )

    def _is_draining(self) -> bool:
        return self.is_draining()

    def _make_secret(self) -> Secret:
        given = self.settings.secret_key
        return parse_secret(given) if given else StoredSecret(self.database)

    def _connected(self, inner: Lifespan | None) -> Lifespan:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any] | None]:
            wait_seconds = self.settings.database_wait_seconds
            await wait_until_ready(self.database.open, wait_seconds, log_waiting)
            await self._secret.load()
            # In the background: an issuer that is down must not keep the service from starting.
            watching = asyncio.create_task(self._authentication.open())
            try:
                async with AsyncExitStack() as stack:
                    yield await stack.enter_async_context(inner(app)) if inner else None
            finally:
                watching.cancel()
                await self._authentication.aclose()
                await self.database.close()

        return lifespan


def resources_of(routes: Iterable[BaseRoute]) -> list[Resource]:
    """Return the resources that the routes of an application list."""
    lists = (action for action in _actions_of(routes) if action.name == "list")
    return list(dict.fromkeys(action.resource for action in lists))


def _actions_of(routes: Iterable[BaseRoute]) -> list[Action[Any]]:
    operations = (getattr(route, "operation", None) for route in routes)
    return [o.pipeline.action for o in operations if isinstance(o, Operation)]


def _load_settings(settings: S_co | type[S_co]) -> S_co:
    if isinstance(settings, type) and issubclass(settings, Settings):
        return settings.load()
    if not isinstance(settings, Settings):
        raise TypeError("settings must be a Settings or a subclass of it")
    return settings


def _access(settings: Settings) -> dict[str, Access]:
    """Return the access of this library's own paths."""
    access = dict.fromkeys(PUBLIC_PATHS, PUBLIC) | {OPENAPI: TOKEN_OPTIONAL}
    if not settings.has_public_docs:
        access |= dict.fromkeys(_DOCUMENTATION, AUTHENTICATED)
    return access


def _check_descriptions(descriptions: Any) -> Mapping[str, str]:
    """Return descriptions of scopes. Raise ``ConfigurationError`` unless all are texts."""
    if not isinstance(descriptions, Mapping) or not all(
        isinstance(text, str) and text for pair in descriptions.items() for text in pair
    ):
        message = "must be a mapping from scopes to what they allow, in words"
        raise ConfigurationError("Service", "scope_descriptions", message)
    return descriptions


def _is_not_draining() -> bool:
    return False


def _migrations(given: Path | str | None) -> Path | None:
    """Return the folder of Alembic's scripts, or None."""
    if given is not None:
        if not Path(given).is_dir():
            raise StartupError(f"migrations: there is no folder {given}")
        return Path(given)
    return MIGRATIONS.absolute() if (MIGRATIONS / "env.py").is_file() else None
