"""Commands at the same time share a token; one with a cached token loads little."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.system import environment_of

pytestmark = pytest.mark.processes

PROCESSES = 20
HEAVY = ("httpx", "ssl", "filelock", "dotenv", "pathlib", "rich", "asyncio")


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> dict[str, Any]:
    """Arguments for subprocess."""
    state = str(tmp_path / "state")
    variables = environment_of(**environment, XDG_STATE_HOME=state)
    return {"env": variables, "cwd": tmp_path, "text": True}


def token_command() -> list[str]:
    return [sys.executable, "-m", "client", "token"]


def test_processes_at_once_request_one_token(command: dict[str, Any]) -> None:
    processes = [
        subprocess.Popen(token_command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **command)
        for _ in range(PROCESSES)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    # The issuer gives each of its tokens another id.
    assert len(set(outputs)) == 1
    assert outputs[0][0].count(".") == 2


def test_full_disk_costs_one_line(command: dict[str, Any], tmp_path: Path) -> None:
    ended = subprocess.run(
        token_command(),
        capture_output=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        **command,
    )
    assert ended.stdout.count(".") == 2
    assert ended.stderr.startswith("Tokens cannot be kept")
    assert ended.stderr.count("\n") == 1
    assert list((tmp_path / "state").rglob("*.json*")) == []


def test_cached_token_loads_no_heavy_module(command: dict[str, Any], tmp_path: Path) -> None:
    lines = [f"{name}={command['env'].pop(name)}\n" for name in ("CLIENT_ID", "CLIENT_SECRET")]
    (tmp_path / ".env.local").write_text("# Comment.\n" + "".join(lines))
    subprocess.run(token_command(), check=True, capture_output=True, **command)
    code = (
        "import sys\n"
        "from client.cli import main\nfrom client.environment import Environment\n"
        "assert main(Environment.from_process()) == 0\n"
        f"sys.exit(' '.join(set({HEAVY}) & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code, "token"], capture_output=True, check=False, **command
    )
    assert (ended.stderr, ended.stdout.count(".")) == ("\n", 2)
