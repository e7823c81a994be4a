"""The declarative base of this service's models.

The first argument of ``mapped_column`` is a column's name in the database *and* in JSON; the Python
attribute is in snake_case.
"""

from typing import ClassVar, Final

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

# Stable names: migrations drop constraints by name, and errors are mapped to fields by it.
NAMING_CONVENTION: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The declarative base; Alembic compares the database with its metadata."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)
