"""``python -m encore`` in an empty project: each error is one line, and nothing is written."""

import contextlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from encore.cli import main
from encore.settings import set_process_layers
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.usefixtures("restored_logs")

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Supplier(Base):
    __tablename__ = "suppliers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""
APP = """
from encore import Service
from strange_models import Supplier

service = Service()
service.resource(Supplier, scopes=["suppliers"])

def needs_arguments(settings): return service
async def asynchronous(): return service
def raises(): raise KeyError("first\\nsecond")
number = 1

def closed():
    service = Service()
    service.get("/count")(lambda: 1)
    return service

def socket():
    service = Service()
    service.websocket("/ws")(lambda: 1)
    return service

def handlers():
    service = Service()
    service.router.on_startup.append(print)
    return service
"""
SETTINGS = """
from encore import Service, Settings

class Shop(Settings):
    currency: str
    most_items: int = 3

service = Service(Shop)
"""
MODULES = {"strange_models", "strange", "strange_shop", "broken", "incomplete", "relative"}

Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the current folder: a project without migrations, on free ports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("DATABASE_URL", "CLIENT_ID", "CLIENT_SECRET", "ENVIRONMENT", "SCOPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ISSUER", f"http://localhost:{free_port()}/oauth2/default")
    monkeypatch.setenv("SERVER_PORT", str(free_port()))
    monkeypatch.setenv("DATABASE_WAIT_SECONDS", "0")
    (tmp_path / "strange_models.py").write_text(MODELS)
    (tmp_path / "strange.py").write_text(APP)
    yield tmp_path
    set_process_layers(defaults={}, overrides={})
    for name in MODULES & set(sys.modules):
        del sys.modules[name]


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; return the exit code and the lines on stderr."""

    def run_here(*arguments: str) -> tuple[int, list[str]]:
        assert folder == Path.cwd()
        status = main(arguments)
        return status, capsys.readouterr().err.splitlines()

    return run_here


@pytest.mark.parametrize(
    "arguments", [["--help"], ["serve", "--help"], ["dev", "strange:service", "-h"]]
)
def test_help_is_printed_for_every_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("usage: python -m encore COMMAND")


def test_dev_rejects_settings_made_in_code_that_differ(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIENCE", "api://a")
    code = "from encore import Service, Settings\n"
    code += "service = Service(Settings(issuer='https://other.example', audience='api://a'))\n"
    (folder / "strange_shop.py").write_text(code)
    status, lines = run("dev", "strange_shop:service")
    assert status == 1
    names = [line.split(": ")[1] for line in lines]
    assert names == ["ISSUER", "SERVER_PORT"]
    assert all(line.endswith("for dev, not in code") for line in lines)
    assert not (folder / ".env.local").exists()


def test_dev_rejects_a_port_that_is_not_known_before(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVER_PORT", "0")
    status, (line,) = run("dev", "strange:service")
    assert (status, line) == (
        1,
        "encore: SERVER_PORT: must not be 0 for dev, which prints the address",
    )


def test_file_without_revision_stops_start(folder: Path, run: Run) -> None:
    assert run("migrations", "init", "strange:service")[0] == 0
    (folder / "migrations/versions/first.py").write_text("revison = 'a1'\n")
    status, (line,) = run("serve", "strange:service")
    assert status == 1
    assert 'first.py must have a line revision = "..."' in line


def test_migrations_use_the_settings_of_the_service(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///environment.sqlite")
    code = "from encore import Service, Settings\nfrom strange_models import Supplier\n"
    code += "url = 'sqlite:///code.sqlite'\n"
    code += "service = Service(Settings(issuer='https://i.example', database_url=url))\n"
    code += "service.resource(Supplier, scopes=['suppliers'])\n"
    (folder / "strange_shop.py").write_text(code)
    assert run("migrations", "init", "strange_shop:service")[0] == 0
    write_revision()
    upgrade()
    assert (folder / "code.sqlite").exists()
    assert not (folder / "environment.sqlite").exists()


def execute(*statements: str) -> None:
    with contextlib.closing(sqlite3.connect("dev.sqlite")) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


def upgrade() -> None:
    command.upgrade(Config("alembic.ini"), "head")


def write_revision() -> None:
    command.revision(Config("alembic.ini"), "first", autogenerate=True)


@pytest.mark.parametrize(
    "arguments",
    [[], ["dev"], ["run", "strange:service"], ["dev", "strange:service", "now"], ["migrations"]],
)
def test_wrong_arguments_print_usage(run: Run, arguments: list[str]) -> None:
    status, lines = run(*arguments)
    assert status == 2
    assert lines[0] == "usage: python -m encore COMMAND"


TARGETS = {
    "no colon": ("strange", "must be module:attribute"),
    "no module": (":service", "must be module:attribute"),
    "no attribute": ("strange:", "must be module:attribute"),
    "path": ("./strange.py:service", "must be module:attribute"),
    "relative module": (".strange:service", "must be module:attribute"),
    "file name": ("strange.py:service", "did you mean strange:service?"),
    "unknown module": ("stranger:service", "there is no module stranger here"),
    "unknown attribute": (
        "strange:app",
        "strange has no attribute app; did you mean strange:service?",
    ),
    "number": ("strange:number", "number must be a Service, or a function without arguments"),
    "function with arguments": ("strange:needs_arguments", "must be a Service, or a function"),
    "coroutine function": ("strange:asynchronous", "must be a Service, or a function"),
    "function that raises": ("strange:raises", "KeyError in strange.py, line 10: 'first"),
    "module that raises": ("broken:service", "ValueError in broken.py, line 3: two lines"),
    "module with a syntax error": ("incomplete:service", "SyntaxError in incomplete.py, line 1: "),
    "route without access": ("strange:closed", "the route '/count' must declare its access"),
    "websocket": ("strange:socket", "the route /ws is a websocket"),
    "event handler": ("strange:handlers", "handlers of on_event"),
    "relative import": ("relative:service", "ImportError in relative.py, line 1: attempted"),
}


@pytest.mark.parametrize("name", ["dev", "serve"])
@pytest.mark.parametrize(("target", "message"), TARGETS.values(), ids=TARGETS)
def test_wrong_target_is_one_line(
    folder: Path, run: Run, name: str, target: str, message: str
) -> None:
    (folder / "broken.py").write_text("\n\nraise ValueError('two\\nlines')\n")
    (folder / "incomplete.py").write_text("def f(:\n")
    (folder / "relative.py").write_text("from .strange import service\n")
    before = set(folder.iterdir())
    status, lines = run(name, target)
    assert status == 1
    (line,) = lines
    assert line.startswith(f"encore: {target}: ")
    assert message in line
    assert {path for path in folder.iterdir() if path.name != "__pycache__"} == before


def test_settings_of_subclass_are_reported_with_all_others(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "strange_shop.py").write_text(SETTINGS)
    for name in ("MOST_ITEMS", "LOG_LEVEL", "CURENCY"):
        monkeypatch.setenv(name, "many")
    assert run("serve", "strange_shop:service") == (
        1,
        [
            "encore: CURENCY: is not a setting; did you mean CURRENCY?",
            "encore: LOG_LEVEL: must be one of debug, info, warning, error",
            "encore: CURRENCY: is missing; set it in the environment or in .env.local",
            "encore: MOST_ITEMS: must be an integer",
        ],
    )


def test_dev_is_rejected_in_production(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    status, (line,) = run("dev", "strange:service")
    assert (status, line.partition(":")[0]) == (1, "encore")
    assert "production has its own issuer" in line
    assert not Path(".env.local").exists()


@pytest.mark.parametrize("name", ["dev", "serve"])
def test_database_in_missing_folder_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///none/dev.sqlite")
    status, (line,) = run(name, "strange:service")
    assert status == 1
    assert line.endswith(f"the folder {Path.cwd() / 'none'} does not exist; create it first")
    assert not Path(".env.local").exists()


def test_serve_without_database_says_how_to_create_one(run: Run) -> None:
    status, (line,) = run("serve", "strange:service")
    assert status == 1
    assert "there is no database yet; run python -m encore dev, or" in line


DATABASES = {
    "without tables": ([], "table suppliers"),
    "with other tables": (["CREATE TABLE x (a)"], "table suppliers"),
    "without a column": (["CREATE TABLE suppliers (id)"], "column suppliers.name"),
}


@pytest.mark.parametrize(("statements", "missing"), DATABASES.values(), ids=DATABASES)
def test_serve_names_missing_tables_and_columns(
    run: Run, statements: list[str], missing: str
) -> None:
    execute(*statements)
    status, (line,) = run("serve", "strange:service")
    assert status == 1
    assert f"the database lacks {missing}, table secrets, table idempotency_keys; write" in line


def test_migrations_init_writes_nothing_twice(folder: Path, run: Run) -> None:
    assert run("migrations", "init", "strange:service") == (0, [])
    (folder / "migrations" / "env.py").unlink()
    status, lines = run("migrations", "init", "strange:service")
    assert (status, lines) == (1, ["encore: alembic.ini: exists already; nothing is written"])
    assert not (folder / "migrations" / "env.py").exists()


@pytest.mark.parametrize("name", ["serve", "doctor"])
def test_migrations_without_revision_are_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run("migrations", "init", "strange:service")
    execute()
    capsys.readouterr()
    assert main([name, "strange:service"]) == 1
    out, err = capsys.readouterr()
    assert "migrations: there is no revision yet; run alembic revision" in out + err


def test_first_revision_is_rejected_where_tables_exist_without_one(run: Run) -> None:
    run("migrations", "init", "strange:service")
    execute("CREATE TABLE suppliers (id INTEGER PRIMARY KEY)")
    with pytest.raises(CommandError, match="name a new database for this command"):
        write_revision()
    assert not list(Path("migrations/versions").glob("*.py"))


def test_database_of_newer_or_without_revision_is_one_line(run: Run) -> None:
    run("migrations", "init", "strange:service")
    write_revision()
    upgrade()
    execute("UPDATE alembic_version SET version_num = 'feedc0ffee00'")
    with pytest.raises(CommandError, match="a newer version migrated it; run that"):
        upgrade()
    status, (line,) = run("serve", "strange:service")
    assert status == 1
    assert "a newer version migrated it; run that, or restore a backup" in line
    execute("DELETE FROM alembic_version")
    with pytest.raises(CommandError, match=r"tables but no revision .* alembic stamp head"):
        upgrade()
    status, (line,) = run("serve", "strange:service")
    assert status == 1
    assert line.endswith("run alembic upgrade head")
