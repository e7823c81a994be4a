"""The route of a batch: which options it has, and when it is added.

A ``Crud`` has a batch once one of its routes writes. Its path must be free: a resource with the
same path stops the start.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from encore.batch.document import describe_batch
from encore.batch.endpoint import BatchEndpoint
from encore.batch.routes import OperationRoutes
from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.errors import ConfigurationError
from encore.http.access import Access
from encore.idempotency.store import IdempotencyKeys
from encore.options import BatchOptions
from encore.resource.option_checks import check_path
from encore.routes.registration import RouteRegistry

_NAME: Final = "batch"
_INSTEAD: Final = "say Crud(batch=False), give the batch another path with batch='/another', or"


def parse_batch_option(batch: Any) -> BatchOptions | None:
    """Return the options of a batch; None for none.

    Raises:
        ConfigurationError: The option is invalid.
    """
    match batch:
        case None | False:
            return None
        case True:
            return BatchOptions()
        case str():
            return _checked(BatchOptions(path=batch))
        case BatchOptions():
            return _checked(batch)
        case _:
            raise _error("must be True, False, a path or BatchOptions")


def _checked(options: BatchOptions) -> BatchOptions:
    if not isinstance(options.path, str):
        raise _error("path must be a string")
    for problem in check_path(options.path):
        raise _error(problem)
    if "{" in options.path:
        raise _error(f"{options.path!r} must have no parameters")
    for name in ("max_operations", "body_limit"):
        value = getattr(options, name)
        if type(value) is not int or value < 1:
            raise _error(f"{name} must be an integer of at least 1")
    if type(options.seconds) not in (int, float) or not 0 < options.seconds < float("inf"):
        raise _error("seconds must be a positive number")
    return options


def _error(problem: str) -> ConfigurationError:
    return ConfigurationError("Crud", _NAME, problem)


class BatchRegistration:
    """Adds the route of a batch to an application, beside the routes of resources.

    Args:
        options: The options; None for no batch.
        app: The application.
        registry: The routes of the resources.
        database: The database of the resources.
        keys: The stored responses of idempotency keys.
        base: The prefix of every path.
        access: What callers of the batch need.
    """

    def __init__(
        self,
        options: BatchOptions | None,
        app: FastAPI,
        registry: RouteRegistry,
        database: Database,
        keys: IdempotencyKeys,
        *,
        base: str,
        access: Access,
    ) -> None:
        self._options = options
        self._app = app
        self._registry = registry
        self._database = database
        self._keys = keys
        self._path = "" if options is None else f"{base}{options.path}"
        self._access = access
        self._is_added = False

    def add(self, resource: str, routes: Iterable[Any]) -> None:
        """Add the routes of a resource, and that of the batch if they are the first that write.

        Raises:
            ConfigurationError: A route cannot be added, or has the path of the batch.
        """
        added = tuple(routes)
        if self._is_added:
            for route in added:
                self._check_path(resource, route)
        self._registry.add(resource, added)
        if self._options is not None and not self._is_added and any(map(_writes, added)):
            self._add_batch(self._options)

    def _add_batch(self, options: BatchOptions) -> None:
        for route in iter_route_contexts(self._app.router.routes):
            self._check_path(getattr(route.original_route, "resource", ""), route)
        routes = OperationRoutes(self._app, self._registry.routes)
        endpoint = BatchEndpoint(options, self._access, routes, self._database, self._keys)
        describe = partial(describe_batch, self._path, options, self._registry.routes)
        self._registry.add(_NAME, [PipelineRoute(self._path, endpoint, ["POST"], describe)])
        self._is_added = True

    def _check_path(self, resource: str, route: Any) -> None:
        """Raise ``ConfigurationError`` if a route has the path of the batch."""
        if route.path != self._path:
            return
        if resource == _NAME:
            raise _error(f"{self._path} is the batch of another Crud: {_INSTEAD} change the other")
        if not resource:
            raise _error(f"{self._path} is a route of the application's own: {_INSTEAD} move it")
        message = f"{self._path} is the path of the batch: {_INSTEAD} give the resource another"
        raise ConfigurationError(resource, "endpoints", message)


def _writes(route: Any) -> bool:
    operation = route.operation
    return isinstance(operation, Operation) and operation.pipeline.action.writes
