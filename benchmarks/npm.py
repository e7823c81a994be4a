"""Installs the opponent's packages at first run, from its lock file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.stacks import FINALE

_HEADERS = Path("/usr/include/node/node.h")
_INSTALL_SECONDS = 900
_SHOWN = ("express", "sequelize", "finale-rest", "sqlite3", "pg", "@okta/jwt-verifier")


def find_node() -> str | None:
    """Return the path of node where node and npm are both there, else None."""
    node = shutil.which("node")
    return node if node and shutil.which("npm") else None


def install() -> None:
    """Bring node_modules to the state of the lock file, unless it is there already.

    sqlite3 is compiled where no prebuilt one can be had, against the distribution's own
    headers where it has them: about two minutes.

    Raises:
        BenchmarkError: npm failed.
    """
    lock = FINALE / "package-lock.json"
    done = FINALE / "node_modules" / ".installed"
    if done.exists() and done.read_text() == lock.read_text():
        return
    print("Installing the Node packages of the opponent, about two minutes ...", file=sys.stderr)
    headers = {"npm_config_nodedir": "/usr"} if _HEADERS.exists() else {}
    answer = subprocess.run(
        [shutil.which("npm") or "npm", "ci", "--no-audit", "--no-fund"],
        cwd=FINALE,
        env={**os.environ, **headers},
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if answer.returncode != 0:
        tail = " ".join(answer.stderr.split())[-400:]
        raise BenchmarkError(f"npm ci failed in {FINALE.name}/: {tail}")
    done.write_text(lock.read_text())


def versions(node: str) -> dict[str, str]:
    """Return the versions of node and of the packages that matter."""
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    found = {"node": answer.stdout.strip().removeprefix("v")}
    for name in _SHOWN:
        manifest = FINALE / "node_modules" / name / "package.json"
        found[name] = json.loads(manifest.read_text())["version"]
    return found
