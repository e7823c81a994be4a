"""The declarative base of this service's models.

A model names its columns once: the first argument of ``mapped_column`` is the name in the database
*and* in JSON, the Python attribute is snake_case.
"""

from typing import ClassVar

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

# Stable names, so that a migration can name what it drops and an error the column it is about.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The declarative base; its metadata is what Alembic compares the database with."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)
