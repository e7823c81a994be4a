"""The generator: a model becomes a resource, and a resource becomes routes.

It knows no part and no timesheet. Read on in this order: ``crud`` (what a service calls),
``options`` and ``resource`` (options, compiled), then the rooms: ``routes`` (the face to HTTP),
``execution`` (what a request does), ``query`` (what callers ask for), ``views`` (what a model looks
like from outside), ``associations`` (related rows) and ``upload`` (many rows at once).
"""

from encore.crud import Crud
from encore.errors.configuration import ConfigurationError
from encore.errors.hooks import HookError
from encore.execution.actions import Action, RowAction
from encore.execution.context import Context, Response
from encore.execution.hooks import SKIP, stop
from encore.execution.resource import Resource
from encore.models.types import TypeAdapter
from encore.options.include import Include
from encore.options.options import AssociationOptions, ResourceOptions, SearchOptions, SortOptions
from encore.validation.body import Errors

__all__ = [
    "SKIP",
    "Action",
    "AssociationOptions",
    "ConfigurationError",
    "Context",
    "Crud",
    "Errors",
    "HookError",
    "Include",
    "Resource",
    "ResourceOptions",
    "Response",
    "RowAction",
    "SearchOptions",
    "SortOptions",
    "TypeAdapter",
    "stop",
]
