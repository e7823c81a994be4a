"""A new resource takes one model file, a line that exposes it, and a migration.

With eight more, lint and the tests of lists and counts still pass.
"""

from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.fixtures.project_copy import copy_project, lint_imports, run
from tests.fixtures.system import start_system

pytestmark = pytest.mark.processes

MODEL_TEMPLATE: Final = '''"""The model {name}."""

{imports}


class {name}(Timestamps, Base):
    """One row of {table}."""

    __tablename__ = "{table}"

    id: Mapped[int] = mapped_column(primary_key=True)
    {columns}
'''
BASE_IMPORTS: Final = """
from db.base import Base
from encore.types import Timestamps
"""

MODELS: Final = {
    # Name: table, imports, columns.
    "Widget": (
        "widgets",
        """
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column
""",
        """
    label: Mapped[str] = mapped_column(String(20), unique=True)
    size: Mapped[int | None]
""",
    ),
    "Supplier": (
        "suppliers",
        """
from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from db.models.delivery import Delivery
""",
        """
    name: Mapped[str] = mapped_column(String(100))
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="supplier")
""",
    ),
    "Delivery": (
        "deliveries",
        """
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from db.models.supplier import Supplier
""",
        """
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    due: Mapped[date]
    supplier: Mapped["Supplier"] = relationship(back_populates="deliveries")
""",
    ),
    "Category": (
        "categories",
        """
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column
""",
        """
    name: Mapped[str] = mapped_column(String(50))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
""",
    ),
    "Invoice": (
        "invoices",
        """
from decimal import Decimal

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column
""",
        """
    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    paid: Mapped[bool]
""",
    ),
    "Room": (
        "rooms",
        """
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column
""",
        """
    key: Mapped[UUID]
    seats: Mapped[int]
""",
    ),
    "Reading": (
        "readings",
        """
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from encore.types import UtcDateTime
""",
        """
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    value: Mapped[float]
""",
    ),
    "Note": (
        "notes",
        """
from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column
""",
        """
    text: Mapped[str] = mapped_column(Text)
""",
    ),
}

LISTING_TESTS: Final = ("tests/service", "tests/docs", "tests/settings", "tests/migrations")
"""Tests that enumerate all resources, settings, migrations and pages."""


def add_models(directory: Path) -> None:
    """Add the model files and the lines that expose them."""
    catalog = directory / "api/resources/__init__.py"
    source = catalog.read_text()
    for name, (table, imports, columns) in MODELS.items():
        model = MODEL_TEMPLATE.format(
            name=name,
            table=table,
            imports=(imports + BASE_IMPORTS).strip(),
            columns=columns.strip(),
        )
        (directory / f"db/models/{name.lower()}.py").write_text(model)
        line = f"from db.models.{name.lower()} import {name}\n"
        source = source.replace("from encore import Service", f"{line}from encore import Service")
        source += f"    service.resource({name})\n"
    catalog.write_text(source)
    run(directory, "ruff", "check", "--quiet", "--select=I", "--fix", "api", "db")
    run(directory, "ruff", "format", "--quiet", "api", "db")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy with the models and their migration, over a new SQLite file."""
    directory = tmp_path_factory.mktemp("project")
    copy_project(directory)
    add_models(directory)
    run(directory, "alembic", "upgrade", "head")
    run(directory, "alembic", "revision", "--autogenerate", "-m", "add eight tables")
    return directory


def test_model_line_and_migration_create_a_resource(project: Path) -> None:
    system = start_system(project, LOG_LEVEL="warning", PYTHONPATH=str(project))
    try:
        client: httpx.Client = system.client
        created = client.post("/widgets", json={"label": "left", "size": 3})
        assert created.status_code == 201, created.text
        assert created.headers["location"] == "/widgets/1"
        assert client.post("/widgets", json={"label": "left"}).json()["errors"] == [
            {"field": "label", "message": "label must be unique"}
        ]
        assert [row["label"] for row in client.get("/widgets?size__gte=3").json()] == ["left"]
        paths = httpx.get(f"{system.url}/openapi.json").json()["paths"]
        assert {f"/{table}/{{id}}" for table, *_ in MODELS.values()} <= set(paths)
    finally:
        system.stop()
    run(project, "alembic", "check")


def test_lint_and_listing_tests_pass_with_eight_more_models(project: Path) -> None:
    run(project, "ruff", "check", ".")
    run(project, "ruff", "format", "--check", ".")
    run(project, "mypy", "db", "api", "migrations")
    lint_imports(project)
    run(project, "pytest", "--quiet", "-m", "not processes", *LISTING_TESTS)
