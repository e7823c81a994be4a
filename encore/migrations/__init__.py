"""Migrations: Alembic for the models of a service, with settings, locks and time limits.

``run_migrations`` and ``run_service_migrations`` are for a service's ``env.py``; ``python -m encore
migrations init`` writes one.
``create_search_index`` and ``drop_search_index`` are for revisions, ``add_search_index`` for tables
that ``Base.metadata.create_all`` creates. ``create_history`` and ``drop_history`` are for revisions
too (``encore.history_table`` declares the table). Names are imported when they are first used: a
service reads revisions without loading Alembic.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encore.database.history import create_history, drop_history
    from encore.database.search_index import (
        add_search_index,
        create_search_index,
        drop_search_index,
    )
    from encore.migrations.environment import run_migrations, run_service_migrations

__all__ = [
    "add_search_index",
    "create_history",
    "create_search_index",
    "drop_history",
    "drop_search_index",
    "run_migrations",
    "run_service_migrations",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "migrations.environment" if name.startswith("run_") else "database.search_index"
    if name.endswith("_history"):
        module = "database.history"
    return getattr(import_module(f"encore.{module}"), name)
