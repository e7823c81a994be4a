"""A new resource takes one model file, the line that exposes it, and a migration."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.fixtures.system import ROOT, environment_of, start_system

pytestmark = pytest.mark.processes

MODEL = '''"""A widget."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import Timestamps


class Widget(Timestamps, Base):
    """One widget."""

    __tablename__ = "widgets"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(20), unique=True)
    size: Mapped[int | None]
'''


def copy_project(directory: Path) -> None:
    """Copy what the service is made of."""
    for name in ("encore", "api", "db", "migrations"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, directory / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", directory)


def alembic(directory: Path, *arguments: str) -> None:
    """Run Alembic on the copy."""
    environment = environment_of(PYTHONPATH=str(directory))
    subprocess.run(
        [sys.executable, "-m", "alembic", *arguments], cwd=directory, env=environment, check=True
    )


def test_a_model_file_a_line_and_a_migration_make_a_resource(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "db/models/widget.py").write_text(MODEL)
    catalog = tmp_path / "api/resources/__init__.py"
    line = "    service.resource(Part)\n"
    text = catalog.read_text()
    assert line in text
    text = text.replace(
        "from db.models.part", "from db.models.widget import Widget\nfrom db.models.part"
    )
    catalog.write_text(text.replace(line, f"{line}    service.resource(Widget)\n"))
    alembic(tmp_path, "upgrade", "head")
    alembic(tmp_path, "revision", "--autogenerate", "-m", "add widgets")

    system = start_system(tmp_path, LOG_LEVEL="warning", PYTHONPATH=str(tmp_path))
    try:
        client: httpx.Client = system.client
        made = client.post("/widgets", json={"label": "left", "size": 3})
        assert made.status_code == 201, made.text
        assert made.headers["location"] == "/widgets/1"
        assert client.post("/widgets", json={"label": "left"}).json()["errors"] == [
            {"field": "label", "message": "label must be unique"}
        ]
        assert [row["label"] for row in client.get("/widgets?size__gte=3").json()] == ["left"]
        assert "/widgets/{id}" in httpx.get(f"{system.url}/openapi.json").json()["paths"]
        assert client.get("/parts").json() == []
    finally:
        system.stop()
    alembic(tmp_path, "check")
