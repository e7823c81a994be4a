"""The library installed from its wheel, in a new virtual environment and an empty folder."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from dotenv import dotenv_values

from tests.fixtures.system import ROOT, START_SECONDS, ports

pytestmark = pytest.mark.processes

UV: Final = Path(sys.executable).parent / "uv"
MODELS: Final = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class Supplier(Base):
    __tablename__ = "suppliers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    items: Mapped[list["Item"]] = relationship(back_populates="supplier")

class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    supplier_id: Mapped[int] = mapped_column("supplierId", ForeignKey(Supplier.id))
    supplier: Mapped[Supplier] = relationship(back_populates="items")
"""
SERVICE: Final = """
from encore import Service, Settings
from models import Item, Supplier

class ShopSettings(Settings):
    currency: str = "EUR"

service = Service(settings=ShopSettings)
service.resource(Supplier, scopes=["suppliers"], associations=True)
service.resource(Item, scopes=["items"])
"""
MAX_LINES: Final = 10


class InstalledProject:
    """A project that uses the library and has folders named as some of this repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ".venv/bin/python"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {**inherited, **ports(), "LOG_LEVEL": "warning"}
        for name in ("api", "db", "client"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text("NAME = 'not the library'\n")
        (folder / "models.py").write_text(MODELS)
        (folder / "app.py").write_text(SERVICE)

    def run(self, *arguments: str) -> str:
        """Run a command of the virtual environment; return what it prints."""
        completed = subprocess.run(
            [self.python, "-m", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout + completed.stderr

    @contextlib.contextmanager
    def run_dev(self) -> Iterator[httpx.Client]:
        """Run ``encore dev``; yield a client whose token holds both scopes."""
        process = subprocess.Popen(
            [self.python, "-m", "encore", "dev", "app:service"],
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )
        url = f"http://localhost:{self.environment['SERVER_PORT']}"
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{url}/readyz").status_code == 200:
                        break
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with httpx.Client(base_url=url, headers=self._authorization()) as client:
                yield client
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait(START_SECONDS)

    def _authorization(self) -> dict[str, str]:
        client = dotenv_values(self.folder / ".env.local")
        response = httpx.post(
            f"{self.environment['ISSUER']}/v1/token",
            auth=(client["CLIENT_ID"] or "", client["CLIENT_SECRET"] or ""),
            data={"grant_type": "client_credentials", "scope": "suppliers items"},
        )
        return {"Authorization": f"Bearer {response.raise_for_status().json()['access_token']}"}


def uv(*arguments: str | Path) -> None:
    subprocess.run([UV, *arguments, "--quiet", "--system-certs"], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, because building leaves files beside the source."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "encore", source / "encore", ignore=shutil.ignore_patterns("__pyc*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    uv("build", "--wheel", "--out-dir", source / "dist", source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed_project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledProject:
    """Return a project with the wheel installed, and the dependencies of requirements.txt."""
    installed_project = InstalledProject(tmp_path_factory.mktemp("installed_project"))
    uv("venv", installed_project.folder / ".venv", "--python", sys.executable)
    install = ("pip", "install", "--python", installed_project.python)
    uv(*install, "--require-hashes", "-r", ROOT / "requirements.txt")
    uv(*install, "--no-deps", wheel)
    return installed_project


def test_wheel_contains_only_the_library(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"encore", "encore_rest"}
    assert {"encore/py.typed", "encore/migrations/templates/script.py.mako"} <= set(names)
    assert {"encore/confusables/data/unicode.txt"} <= set(names)
    assert {"encore/confusables/data/LICENSE-UNICODE.txt"} <= set(names)


def test_installed_service_is_at_most_ten_lines() -> None:
    lines = [line for line in SERVICE.splitlines() if line.strip()]
    assert len(lines) <= MAX_LINES


def test_installed_service_runs_with_issuer_authentication_docs_and_tables(
    installed_project: InstalledProject,
) -> None:
    with installed_project.run_dev() as client:
        created = client.post("/suppliers", json={"name": "Ada", "items": [{"name": "a"}]})
        assert created.status_code == 201, created.text
        assert client.get("/items?name=a").json()[0]["supplierId"] == 1
        assert client.put("/items/1", json={"name": "b", "supplierId": 1}).json()["name"] == "b"
        assert client.delete("/items/1").status_code == 200
        assert client.get("/docs").status_code == 200
        assert client.get("/docs-assets/page.js").status_code == 200
        assert httpx.get(client.base_url.join("/suppliers")).status_code == 401
        report = installed_project.run("encore", "doctor", "app:service")
    assert "FAIL" not in report
    assert "table suppliers: about 1 rows" in report


def test_migrations_of_an_installed_service_are_created_and_run(
    installed_project: InstalledProject,
) -> None:
    (installed_project.folder / "dev.sqlite").unlink(missing_ok=True)
    installed_project.run("encore", "migrations", "init")
    installed_project.run("alembic", "revision", "--autogenerate", "-m", "first")
    installed_project.run("alembic", "upgrade", "head")
    installed_project.run("alembic", "check")
    with installed_project.run_dev() as client:
        assert client.post("/suppliers", json={"name": "Ada"}).status_code == 201
