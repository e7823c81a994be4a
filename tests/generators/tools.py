"""Runs the tools that read the service's OpenAPI document: generators of clients, and linters.

Those of npm are locked in ``package-lock.json``; those of Python, with what the generated packages
import, in ``requirements.txt``. Both are installed once, those of Python into ``build/generators``;
``python -m tests.generators.tools`` does nothing else.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock

from tests.fixtures.node import REQUIRED, require_packages
from tests.fixtures.system import ROOT

FOLDER: Final = Path(__file__).resolve().parent
PROGRAMS: Final = FOLDER / "programs"
_BUILD: Final = ROOT / "build" / "generators"
_LOCK: Final = FOLDER / "requirements.txt"
_SECONDS: Final = 300
_QUIET: Final = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def run_npm_tool(name: str, *arguments: str, cwd: Path) -> str:
    """Run a tool of ``node_modules`` and return its output; a test without Node is skipped."""
    require_packages(FOLDER)
    return _run([str(FOLDER / "node_modules" / ".bin" / name), *arguments], cwd)


def run_node(program: Path, environment: Mapping[str, str]) -> str:
    """Run a JavaScript program."""
    return _run([require_packages(FOLDER), str(program)], program.parent, environment)


def run_python_tool(name: str, *arguments: str, cwd: Path) -> str:
    """Run a tool of the generators' own virtual environment and return its output."""
    return _run([str(install_environment() / "bin" / name), *arguments], cwd)


def run_python(program: Path, environment: Mapping[str, str]) -> str:
    """Run a Python program with what generated packages import."""
    python = str(install_environment() / "bin" / "python")
    return _run([python, "-W", "error", str(program)], program.parent, environment)


def require_java() -> None:
    """Skip a test where Java is missing, or fail in CI."""
    if shutil.which("java") is None:
        if REQUIRED:
            pytest.fail("java is not installed; openapi-generator needs it")
        pytest.skip("java is not installed")


def link_packages(folder: Path) -> None:
    """Let TypeScript and Node find the packages of npm from a folder."""
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")


def install_environment() -> Path:
    """Return the virtual environment; install it unless it has what the lock file says."""
    environment, lock = _BUILD / "venv", _LOCK.read_text(encoding="utf-8")
    _BUILD.mkdir(parents=True, exist_ok=True)
    with FileLock(_BUILD / ".lock"):
        installed = environment / ".installed"
        if not installed.exists() or installed.read_text(encoding="utf-8") != lock:
            uv = [sys.executable, "-m", "uv"]
            _run(
                [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
                FOLDER,
            )
            sync = ["pip", "sync", "--quiet", "--system-certs", "--require-hashes"]
            python = str(environment / "bin" / "python")
            _run([*uv, *sync, "--python", python, str(_LOCK)], FOLDER)
            installed.write_text(lock, encoding="utf-8")
    return environment


def _run(command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **_QUIET, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{command[0]} failed with {done.returncode}:\n{output}"
    return output


if __name__ == "__main__":
    install_environment()
