"""``python -m client`` as a process: streams, exit codes, signals, and lean imports."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.system import START_SECONDS

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> dict[str, Any]:
    """Arguments for subprocess: directory, environment, encoding."""
    variables = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | environment
    variables["XDG_STATE_HOME"] = str(tmp_path / "state")
    return {"env": variables, "cwd": tmp_path, "text": True, "encoding": "utf-8"}


def client(*argv: str) -> list[str]:
    return [sys.executable, "-m", "client", *argv]


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        ((), 1, "", "usage: "),
        (("--version",), 0, "client ", ""),
        (("http://localhost:1/", "post", "{"), 1, "", "JSON is malformed"),
        (("http://api.example/",), 4, "", "http://api.example is not https"),
        (("http://localhost:1/",), 5, "", "http://localhost:1 cannot be reached"),
    ],
)
def test_process_exit_code_stdout_and_stderr(
    command: dict[str, Any], argv: tuple[str, ...], code: int, out: str, err: str
) -> None:
    ended = subprocess.run(client(*argv), capture_output=True, check=False, **command)
    assert ended.returncode == code
    assert ended.stdout.startswith(out)
    assert ended.stderr.startswith(err)
    assert bool(ended.stdout) == bool(out)
    assert bool(ended.stderr) == bool(err)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_response_is_escaped_if_stdout_cannot_encode_it(
    command: dict[str, Any], api: Any, encoding: str
) -> None:
    api.respond(200, {"name": "Pão"})
    command["env"]["PYTHONIOENCODING"] = encoding
    ended = subprocess.run(client(api.url), capture_output=True, check=False, **command)
    name = "Pão" if encoding == "utf-8" else "P\\u00e3o"
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        0,
        f'{{\n  "name": "{name}"\n}}\n',
        "",
    )


def test_settings_from_env_file_of_current_directory(
    command: dict[str, Any], api: Any, tmp_path: Path
) -> None:
    lines = [f"{n}={command['env'].pop(n)}\n" for n in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")]
    (tmp_path / ".env.local").write_text("".join(lines))
    ended = subprocess.run(client(api.url), capture_output=True, check=False, **command)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[]\n", "")


def test_closed_stdout_exits_141_without_traceback(command: dict[str, Any], api: Any) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        client(api.url), stdout=writer, stderr=subprocess.PIPE, check=False, **command
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_reported(command: dict[str, Any], api: Any) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            client(api.url), stdout=full, stderr=subprocess.PIPE, check=False, **command
        )
    assert ended.returncode == 10
    assert ended.stderr.count("\n") == 1


def test_ctrl_c_exits_130_without_traceback(command: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        process = subprocess.Popen(
            client(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **command
        )
        connection, _ = silent.accept()
        with connection:
            connection.recv(100)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=START_SECONDS)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("argv", [(), ("--help",), ("http://localhost/", "post", "{")])
def test_invalid_arguments_import_nothing_heavy(
    command: dict[str, Any], argv: tuple[str, ...]
) -> None:
    code = (
        "import sys\n"
        "from client.cli import main\nfrom client.environment import Environment\n"
        "main(Environment.from_process())\n"
        "heavy = {'httpx', 'ssl', 'dotenv', 'asyncio', 'dataclasses', 'fastapi', 'db'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, check=False, **command
    )
    assert ended.returncode == 0, ended.stderr


def test_request_does_not_import_httpx_command_line(command: dict[str, Any]) -> None:
    code = (
        "import sys; from encore.client.lean_httpx import import_httpx\n"
        "import_httpx().Client(trust_env=False).close()\n"
        "sys.exit(len({'rich', 'click', 'pygments'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, **command)
    assert ended.returncode == 0


def test_request_with_a_cached_token_imports_neither_httpx_nor_tls(
    command: dict[str, Any], api: Any, tmp_path: Path
) -> None:
    command["env"]["XDG_STATE_HOME"] = str(tmp_path)
    code = (
        "import sys\n"
        "from client.cli import main\nfrom client.environment import Environment\n"
        "code = main(Environment.from_process())\n"
        "heavy = {'httpx', 'ssl', 'dotenv', 'argparse', 'rich', 'asyncio', 'dataclasses'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code, api.url], capture_output=True, check=False, **command
        )
        for _ in range(2)
    )
    assert (first.returncode, first.stdout) == (0, "[]\n")
    assert (second.returncode, second.stdout, second.stderr) == (0, "[]\n", "[]\n")
    assert len({request.token for request in api.requests}) == 1
