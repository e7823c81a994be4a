"""``Crud``: exposes models on an application.

A composition root creates one and asks it for resources, as with Finale's ``initialize``::

    crud = Crud(app, database, scopes=("parts_manager",))
    widgets = crud.resource(Widget, associations=True)

    @widgets.create.write.before
    async def stamp(context): ...
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Literal

from fastapi import FastAPI
from sqlalchemy import Dialect

from encore.batch.registration import BatchRegistration, parse_batch_option
from encore.database.protocol import Database
from encore.endpoints.endpoint import PipelineRoute
from encore.errors import ConfigurationError
from encore.execution.hooks import ActionHooks
from encore.execution.resource import Resource
from encore.execution.soft_delete_checks import check_soft_delete
from encore.history.routes import history_routes
from encore.http.access import AUTHENTICATED, PUBLIC, Access
from encore.http.require_principal import with_startup_check
from encore.idempotency.store import DEFAULT_HOURS, IdempotencyKeys
from encore.models.fields import Model
from encore.models.types import TypeAdapters
from encore.openapi.document import describe_generated_routes
from encore.options import READING_ACTIONS, BatchOptions, ResourceOptions, is_view
from encore.resource.compatibility import compatibility_of
from encore.resource.definition import DEFAULT_BODY_LIMIT
from encore.resource.histories import Histories, ResourceHistory
from encore.resource.option_checks import check_base, check_compatible, check_dialect_names
from encore.resource.search_indexes import SearchIndexes
from encore.routes.bulk import bulk_routes
from encore.routes.custom_action_checks import check_custom_action
from encore.routes.custom_actions import CustomAction
from encore.routes.links import link_routes, linked_relations
from encore.routes.nested_resources import nested_resources
from encore.routes.registration import APP, RouteRegistry
from encore.routes.router import ResourceRouter
from encore.secret_key import Secret, parse_secret
from encore.uploads.endpoint import UploadEndpoint, describe_upload
from encore.uploads.upload import DEFAULT_UPLOAD_LIMIT, Upload

_KNOWN = frozenset(option.name for option in fields(ResourceOptions)) - {"model"}


class Crud:
    """Exposes models on an application.

    Args:
        app: The application that the routes are added to.
        database: The database of the rows; may be opened later.
        base: The prefix of every path, also in ``Location``.
        update_method: The HTTP method of update, unless a resource overrides it.
        scopes: The scopes that a token must have, all of them, unless a resource overrides them.
        body_limit: The largest body that an operation reads, in bytes.
        upload_limit: The largest body of an upload, in bytes, unless an upload overrides it.
        idempotency_hours: How long the response to a request with an ``Idempotency-Key`` is stored.
        types: JSON conversions of column types, by SQLAlchemy type; a resource may add others.
        compatible: ``"finale"`` for front ends made for Finale, unless a resource overrides it.
        dialects: The query languages of stock front ends, unless a resource overrides them.
        secret: What the key of cursors is derived from: at least 32 bytes that all workers share,
            or ``StoredSecret``, which a database stores. None creates one for this process:
            cursors are then invalid after a restart, and in other workers.
        gate: What authenticates callers: the application's middleware
            (``encore.http.require_principal``). None declares that nothing does, and that every
            operation is public.
        batch: Whether many operations can be sent in one request to ``/batch``, once a resource
            can be written; its path, or ``BatchOptions``. Callers need a valid token, and for each
            operation what it demands of a token.

    Raises:
        ConfigurationError: From the constructor, if an argument is invalid: ``app`` is not a
            FastAPI application, or scopes are given without a gate; at start-up, if the
            application has no gate.
    """

    def __init__(
        self,
        app: FastAPI,
        database: Database,
        *,
        base: str = "",
        update_method: str = "PUT",
        scopes: Sequence[str] = (),
        body_limit: int = DEFAULT_BODY_LIMIT,
        upload_limit: int = DEFAULT_UPLOAD_LIMIT,
        idempotency_hours: int = DEFAULT_HOURS,
        gate: Literal["app"] | None = APP,
        secret: Secret | str | bytes | None = None,
        types: TypeAdapters | None = None,
        compatible: str | None = None,
        dialects: Sequence[str] = (),
        batch: bool | str | BatchOptions = True,
    ) -> None:
        for problem in check_compatible(compatible):
            raise ConfigurationError("Crud", "compatible", problem)
        for problem in check_dialect_names(dialects):
            raise ConfigurationError("Crud", "dialects", problem)
        try:
            self._secret = parse_secret(secret)
        except (TypeError, ValueError) as error:
            raise ConfigurationError("Crud", "secret", error) from error
        if type(idempotency_hours) is not int or idempotency_hours < 1:
            raise ConfigurationError(
                "Crud", "idempotency_hours", "must be an integer of at least 1"
            )
        self._compatible = compatible
        self._dialects = dialects
        self._routes = RouteRegistry(app, gate)
        self._search_indexes = SearchIndexes(database)
        app.router.lifespan_context = self._search_indexes.checked(app.router.lifespan_context)
        self._soft_deleted: list[Resource] = []
        self._custom_actions: list[CustomAction] = []
        app.router.lifespan_context = with_startup_check(
            app.router.lifespan_context, self._check_declarations
        )
        self._histories = Histories(database)
        app.router.lifespan_context = self._histories.checked(app.router.lifespan_context)
        describe_generated_routes(app)
        self._database = database
        self._base = base
        self._update_method = update_method
        self._access = self._routes.default_access(scopes)
        self._body_limit = body_limit
        self._upload_limit = upload_limit
        self._idempotency_keys = IdempotencyKeys(database.dialect, hours=idempotency_hours)
        self._types = types or {}
        self._batches = BatchRegistration(
            parse_batch_option(batch),
            app,
            self._routes,
            database,
            self._idempotency_keys,
            base=base,
            access=PUBLIC if gate is None else AUTHENTICATED,
        )

    @property
    def dialect(self) -> Dialect:
        """The dialect to compile a service's own statements for."""
        return self._database.dialect

    @property
    def histories(self) -> list[ResourceHistory]:
        """The histories of its resources, each table once."""
        return self._histories.all

    def resource(self, model: Model, **options: Any) -> Resource:
        """Expose a model.

        Args:
            model: A SQLAlchemy declarative model.
            options: The options; see ``ResourceOptions``.

        Raises:
            ConfigurationError: An option is unknown or invalid; names the resource and the option.
        """
        for name in options:
            if name not in _KNOWN:
                known = ", ".join(sorted(_KNOWN))
                raise ConfigurationError(_name(model), name, f"is none of {known}")
        if not _is_mapped_class(model):
            raise ConfigurationError(_name(model), "model", "must be a mapped class")
        for problem in check_base(self._base):
            raise ConfigurationError(_name(model), "base", problem)
        options.setdefault("update_method", self._update_method)
        options.setdefault("compatible", self._compatible)
        options.setdefault("dialects", self._dialects)
        compatibility = compatibility_of(options["compatible"])
        options.setdefault("nested_arrays", compatibility.nested_arrays)
        if is_view(model):
            options.setdefault("actions", READING_ACTIONS)
        if isinstance(
            types := options.get("types", {}), Mapping
        ):  # Other values are rejected below.
            options["types"] = {**self._types, **types}
        resource = Resource(
            ResourceOptions(model=model, **options),
            self._database,
            base=self._base,
            default_access=self._access,
            body_limit=self._body_limit,
            secret=self._secret,
            idempotency_keys=self._idempotency_keys,
        )
        self._add(resource)
        nested_by_name = {}
        if resource.options.associations or linked_relations(resource):
            nested_by_name = nested_resources(resource, self._database)
        if resource.options.associations:
            resource.nested_resources.update(nested_by_name)
            for nested in nested_by_name.values():
                self._add(nested)
        self._batches.add(resource.name, link_routes(resource, nested_by_name, self._database))
        return resource

    def custom_action(self, **arguments: Any) -> ActionHooks:
        """Expose a custom action; return its hooks.

        Args:
            arguments: ``action``, ``method``, ``access``, and optionally ``path``,
                ``error_responses_like`` and ``describe``; see ``CustomAction``.

        Raises:
            ConfigurationError: An argument is missing, unknown or invalid, or another route has
                this method and path; names the resource and the argument.
        """
        check_custom_action(arguments)
        hooks = ActionHooks()
        custom_action = CustomAction(**arguments)
        route = custom_action.route(hooks, self._database)
        self._batches.add(custom_action.action.resource.name, [route])
        self._custom_actions.append(custom_action)
        return hooks

    def operation(self, **arguments: Any) -> ActionHooks:
        """Deprecated: the former name of ``custom_action``."""
        warnings.warn("use Crud.custom_action", DeprecationWarning, stacklevel=2)
        return self.custom_action(**arguments)

    def upload(
        self,
        resource: Resource,
        *,
        natural_key: Sequence[str] | None = None,
        path: str = "",
        access: Access | str | None = None,
        **options: Any,
    ) -> Upload:
        """Expose an upload of many rows of a resource in one request.

        Args:
            resource: The resource of the rows; its model has one key, which the database numbers.
            natural_key: The names of the fields that identify a stored row; None if each request
                chooses the primary key or another unique key, by ``key=``.
            path: The path; ``upload`` below the resource's collection path if empty.
            access: What it demands of a token; by default the same as creating a row.
            options: ``owned_by``, ``only_on_create``, ``previous_key``, ``row_flags``, ``limit``,
                ``max_rejected``, ``part_rows`` and ``idempotency_keys``; see ``Upload``.

        Raises:
            ConfigurationError: An option is invalid; names the resource and the option.
        """
        if access is None:
            access = resource.access("create")
        options.setdefault("limit", self._upload_limit)
        upload = Upload(
            resource,
            path=self._base + path if path else f"{resource.collection_path}/upload",
            natural_key=natural_key,
            access=Access(all_of=(access,)) if isinstance(access, str) else access,
            dialect=self._database.dialect,
            **options,
        )
        endpoint = UploadEndpoint(upload, self._database)
        describe = partial(describe_upload, upload)
        route = PipelineRoute(upload.path, endpoint, ["POST"], describe)
        self._batches.add(resource.name, [route])
        return upload

    def _check_declarations(self) -> None:
        """Raise ``ConfigurationError`` for what only the start can check."""
        for resource in self._soft_deleted:
            check_soft_delete(resource)
        for action in self._custom_actions:
            action.check_description()

    def _add(self, resource: Resource) -> None:
        if resource.soft_delete is not None:
            self._soft_deleted.append(resource)
        self._search_indexes.require(resource.name, resource.searches)
        if resource.history is not None:
            self._histories.require(resource.name, resource.history)
            self._batches.add(resource.name, history_routes(resource, self._database))
        # Not include_router: its indirection costs a tenth of a small request.
        self._batches.add(resource.name, ResourceRouter(resource, self._database).routes)
        self._batches.add(resource.name, bulk_routes(resource, self._database))


def _is_mapped_class(model: Any) -> bool:
    return isinstance(model, type) and hasattr(model, "__mapper__")


def _name(model: Any) -> str:
    return getattr(model, "__name__", type(model).__name__)
