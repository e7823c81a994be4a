"""Runs this service with more resources besides its own, as ``python -m api`` runs it."""

from collections.abc import Callable

from api import resources
from api.__main__ import main as serve_api
from encore import Crud, Service


def serve_with(add_resources: Callable[[Crud], None]) -> int:
    """Serve until SIGTERM; return the exit status."""
    expose_own = resources.expose

    def expose(service: Service) -> None:
        expose_own(service)
        add_resources(service.crud)

    resources.expose = expose
    return serve_api([])
