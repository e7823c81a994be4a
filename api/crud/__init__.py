"""The generator: a model becomes a resource, and a resource becomes routes.

It knows no part and no timesheet. Read on in this order: ``crud`` (what a service calls),
``options``, ``resource`` (options, compiled), ``router`` and ``route`` (its face to FastAPI),
``plan``, ``actions`` and ``hooks`` (what a request does), ``query``, ``bodies`` and ``values``
(what callers send), ``view``, ``statements`` and ``records`` (what the database runs and gives),
``associations`` (related rows).
"""

from api.crud.bodies import Errors
from api.crud.context import Context, Response
from api.crud.crud import Crud
from api.crud.hooks import SKIP, stop
from api.crud.options import (
    AssociationOptions,
    ConfigurationError,
    ResourceOptions,
    SearchOptions,
    SortOptions,
)
from api.crud.resource import Resource
from api.crud.view import Include

__all__ = [
    "SKIP",
    "AssociationOptions",
    "ConfigurationError",
    "Context",
    "Crud",
    "Errors",
    "Include",
    "Resource",
    "ResourceOptions",
    "Response",
    "SearchOptions",
    "SortOptions",
    "stop",
]
