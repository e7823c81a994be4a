"""A service with one resource and its upload, called in process over SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Crud
from encore.database.factory import open_database
from tests.fixtures.in_process import InProcessService, sqlite_with
from tests.fixtures.library import ClaimsMiddleware

BODY_LIMIT = 10_000
UPLOAD_LIMIT = 1_000_000


class Base(DeclarativeBase):
    metadata = MetaData()


class Tool(Base):
    __tablename__ = "tools"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(2_000_000), unique=True)


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[InProcessService]:
    """Return a service with the resource ``Tool``."""
    url = sqlite_with(Base.metadata, tmp_path)
    service = InProcessService(url, open_database(url), ClaimsMiddleware)
    crud = Crud(service.app, service.database, scopes=("tools",), body_limit=BODY_LIMIT)
    crud.upload(crud.resource(Tool), natural_key=["name"], limit=UPLOAD_LIMIT)
    yield service
    service.close()
