"""Encore: a secured REST service generated from SQLAlchemy models.

The public names; everything else is internal. Names are imported when they are first used, so that
``encore.types``, which models and migrations need, loads neither FastAPI nor the engine.
Column types are in ``encore.types``, errors in ``encore.errors``, types of settings in
``encore.settings``, what custom actions need in ``encore.extensions``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from encore.crud import Crud
    from encore.database.factory import open_database
    from encore.database.history import history_table
    from encore.database.tables import metadata
    from encore.errors import ConfigurationError, HookError
    from encore.execution.actions import Action, RowAction
    from encore.execution.context import Context, Response
    from encore.execution.hooks import SKIP, stop
    from encore.execution.resource import Resource
    from encore.http.access import Access, authenticated, public, requires
    from encore.http.principal import Principal
    from encore.models.types import TypeAdapter
    from encore.options import (
        AssociationOptions,
        BatchOptions,
        History,
        Include,
        ResourceOptions,
        SearchOptions,
        SortOptions,
    )
    from encore.routes.custom_actions import CustomAction
    from encore.service import Service
    from encore.settings import Settings
    from encore.validation.body import ValidationErrors

__all__ = [
    "SKIP",
    "Access",
    "Action",
    "AssociationOptions",
    "BatchOptions",
    "ConfigurationError",
    "Context",
    "Crud",
    "CustomAction",
    "History",
    "HookError",
    "Include",
    "Principal",
    "Resource",
    "ResourceOptions",
    "Response",
    "RowAction",
    "SearchOptions",
    "Service",
    "Settings",
    "SortOptions",
    "TypeAdapter",
    "ValidationErrors",
    "authenticated",
    "history_table",
    "metadata",
    "open_database",
    "public",
    "requires",
    "stop",
]

_MODULES: Final = {
    "SKIP": "execution.hooks",
    "Access": "http.access",
    "Action": "execution.actions",
    "AssociationOptions": "options",
    "BatchOptions": "options",
    "ConfigurationError": "errors.configuration",
    "Context": "execution.context",
    "Crud": "crud",
    "CustomAction": "routes.custom_actions",
    "History": "options",
    "HookError": "errors.hooks",
    "Include": "options",
    "Principal": "http.principal",
    "Resource": "execution.resource",
    "ResourceOptions": "options",
    "Response": "execution.context",
    "RowAction": "execution.actions",
    "SearchOptions": "options",
    "Service": "service",
    "Settings": "settings",
    "SortOptions": "options",
    "TypeAdapter": "models.types",
    "ValidationErrors": "validation.body",
    "authenticated": "http.access",
    "history_table": "database.history",
    "metadata": "database.tables",
    "open_database": "database.factory",
    "public": "http.access",
    "requires": "http.access",
    "stop": "execution.hooks",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
