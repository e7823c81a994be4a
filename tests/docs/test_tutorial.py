"""docs/tutorial.md is followed step by step in an empty folder, with nothing but the library."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.fixtures.console import parse_output, split_commands
from tests.fixtures.pages import DOCS, ROOT, assert_contains
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.processes

PAGE: Final = DOCS / "tutorial.md"
START_SECONDS: Final = 30
_BLOCK: Final = re.compile(r"(?:^`([\w.]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"(\w+)=(\$\(.*\))", re.DOTALL)
_DEV: Final = "-m encore dev"
_QUIET: Final = ("pytest", "alembic ")
"""Commands whose output the page does not show."""


class Reader:
    """Follows the page in an empty folder, on free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        library = folder / "site"
        library.mkdir()
        (library / "encore").symlink_to(ROOT / "encore")
        self._ports = {str(port): str(free_port()) for port in (3000, 3001, 3010, 3011)}
        self._environment = {name: os.environ[name] for name in ("PATH", "HOME")}
        self._environment |= {
            "PYTHONPATH": str(library),
            "SERVER_PORT": self._ports["3000"],
            "ISSUER": f"http://localhost:{self._ports['3001']}/oauth2/default",
            "LOG_LEVEL": "warning",
        }
        self._service: subprocess.Popen[str] | None = None

    def follow(self, name: str, language: str, text: str) -> None:
        """Write a file, edit it, or run the commands of a block."""
        text = re.sub(r"\b30[01][01]\b", lambda port: self._ports[port[0]], text)
        if name and language == "diff":
            self._edit(self.folder / name, text.splitlines())
        elif name:
            (self.folder / name).write_text(text, encoding="utf-8")
        elif language == "console":
            for command, expected in split_commands(text):
                self._run(command, expected)

    def stop(self) -> None:
        """Stop the service as Ctrl-C does."""
        if self._service is not None:
            self._service.send_signal(signal.SIGINT)
            self._service.wait(START_SECONDS)
            self._service = None

    def _edit(self, path: Path, lines: list[str]) -> None:
        old, new = (
            "\n".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +")
        )
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _run(self, command: str, expected: str) -> None:
        python = shlex.quote(sys.executable)
        command = command.replace(".venv/bin/python", python)
        command = command.replace(".venv/bin/alembic", f"{python} -m alembic")
        if _DEV in command:
            self._start(command)
            return
        if not command.startswith(("curl", "TOKEN")):
            self.stop()
        if assignment := _ASSIGNMENT.fullmatch(command):
            self._environment[assignment[1]] = self._shell(f"echo {assignment[2]}").strip()
            return
        printed = self._shell(command)
        if not any(word in command for word in _QUIET):
            _compare(printed, expected)

    def _shell(self, command: str) -> str:
        result = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, (command, result.stdout, result.stderr)
        return result.stdout

    def _start(self, command: str) -> None:
        self.stop()
        self._service = subprocess.Popen(
            shlex.split(command), cwd=self.folder, env=self._environment, text=True
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._service.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://localhost:{self._ports['3000']}/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        pytest.fail("the service did not start")


def _compare(printed: str, expected: str) -> None:
    parsed: Any = parse_output(expected)
    if isinstance(parsed, str):
        assert printed.strip() == parsed
    else:
        assert_contains(parse_output(printed), parsed)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


def test_tutorial_leads_to_a_tested_service(reader: Reader) -> None:
    blocks = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 10
    for name, language, text in blocks:
        reader.follow(name, language, text)
