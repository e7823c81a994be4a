"""Finds Node and installs the packages of ``finale/``, for these tests and for the benchmarks.

``python -m tests.conformance.node`` only installs them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

FINALE: Final = Path(__file__).resolve().parent / "finale"
MODULES: Final = FINALE / "node_modules"
"""The value of NODE_PATH for programs in other folders that need the packages."""

_HEADERS: Final = Path("/usr/include/node/node.h")
_INSTALL_SECONDS: Final = 900
_REPORTED: Final = ("express", "sequelize", "finale-rest", "sqlite3", "pg", "@okta/jwt-verifier")


class NodeError(RuntimeError):
    """Node or npm is missing, or npm failed; the message is one line."""


def find_node() -> str | None:
    """Return the path of node if node and npm are installed, else None."""
    node = shutil.which("node")
    return node if node and shutil.which("npm") else None


def install_finale() -> str:
    """Install the packages of the lock file unless they are installed; return the path of node.

    sqlite3 is compiled where no prebuilt binary can be downloaded, which takes one to two minutes.
    The distribution's own Node headers are used if they are installed.

    Raises:
        NodeError: Node or npm is missing, or npm failed.
    """
    node = find_node()
    if node is None:
        raise NodeError("node and npm are not installed; finale-rest needs them")
    lock = (FINALE / "package-lock.json").read_text()
    installed = MODULES / ".installed"
    if installed.exists() and installed.read_text() == lock:
        return node
    sys.stderr.write("Installing finale-rest and its packages, up to two minutes ...\n")
    headers = {"npm_config_nodedir": "/usr"} if _HEADERS.exists() else {}
    done = subprocess.run(
        [shutil.which("npm") or "npm", "ci", "--no-audit", "--no-fund"],
        cwd=FINALE,
        env={**os.environ, **headers},
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        tail = " ".join(done.stderr.split())[-400:]
        raise NodeError(f"npm ci failed in {FINALE.name}/: {tail}")
    installed.write_text(lock)
    return node


def read_versions(node: str) -> dict[str, str]:
    """Return the versions of node and of the installed packages that matter for a report."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    versions = {"node": done.stdout.strip().removeprefix("v")}
    for name in _REPORTED:
        manifest = MODULES / name / "package.json"
        versions[name] = json.loads(manifest.read_text())["version"]
    return versions


if __name__ == "__main__":
    install_finale()
