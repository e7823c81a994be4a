"""The library as a stranger has it: the wheel, a fresh virtual environment, an empty folder."""

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


class Stranger:
    """A project of another team, with folders that are called as some of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ".venv/bin/python"
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {**known, **ports(), "LOG_LEVEL": "warning"}
        for name in ("api", "db", "client"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text("NAME = 'not the library'\n")
        (folder / "models.py").write_text(MODELS)
        (folder / "app.py").write_text(SERVICE)

    def run(self, *arguments: str) -> str:
        """Run a command of the virtual environment; return what it prints."""
        done = subprocess.run(
            [self.python, "-m", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def developing(self) -> Iterator[httpx.Client]:
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
    """The wheel, built from a copy: building leaves files beside the source."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "encore", source / "encore", ignore=shutil.ignore_patterns("__pyc*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    uv("build", "--wheel", "--out-dir", source / "dist", source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """Another team's project with the wheel installed, in the versions of requirements.txt."""
    stranger = Stranger(tmp_path_factory.mktemp("stranger"))
    uv("venv", stranger.folder / ".venv", "--python", sys.executable)
    install = ("pip", "install", "--python", stranger.python)
    uv(*install, "--require-hashes", "-r", ROOT / "requirements.txt")
    uv(*install, "--no-deps", wheel)
    return stranger


def test_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"encore", "encore_rest"}
    assert {"encore/py.typed", "encore/migrations/templates/script.py.mako"} <= set(names)


def test_service_of_a_stranger_is_ten_lines() -> None:
    lines = [line for line in SERVICE.splitlines() if line.strip()]
    assert len(lines) <= MAX_LINES


def test_service_of_a_stranger_runs_with_issuer_gate_docs_and_tables(stranger: Stranger) -> None:
    with stranger.developing() as client:
        made = client.post("/suppliers", json={"name": "Ada", "items": [{"name": "a"}]})
        assert made.status_code == 201, made.text
        assert client.get("/items?name=a").json()[0]["supplierId"] == 1
        assert client.put("/items/1", json={"name": "b", "supplierId": 1}).json()["name"] == "b"
        assert client.delete("/items/1").status_code == 200
        assert client.get("/docs").status_code == 200
        assert httpx.get(client.base_url.join("/suppliers")).status_code == 401
        report = stranger.run("encore", "doctor", "app:service")
    assert "FAIL" not in report
    assert "table suppliers: about 1 rows" in report


def test_migrations_of_a_stranger_are_written_and_run(stranger: Stranger) -> None:
    (stranger.folder / "dev.sqlite").unlink(missing_ok=True)
    stranger.run("encore", "migrations", "init")
    stranger.run("alembic", "revision", "--autogenerate", "-m", "first")
    stranger.run("alembic", "upgrade", "head")
    stranger.run("alembic", "check")
    with stranger.developing() as client:
        assert client.post("/suppliers", json={"name": "Ada"}).status_code == 201
