"""Alembic's environment: runs the migrations for the models of this service."""

import db.models  # noqa: F401 - registers the models with Base
from db.base import Base
from encore.migrations import run_migrations

run_migrations(Base.metadata)
