"""Installs the packages of ``finale/``, for these tests and for the benchmarks.

``python -m tests.conformance.node`` only installs them.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.fixtures.node import NodeError, find_node, install_packages

__all__ = ["FINALE", "MODULES", "NodeError", "find_node", "install_finale", "read_versions"]

FINALE: Final = Path(__file__).resolve().parent / "finale"
MODULES: Final = FINALE / "node_modules"
"""The value of NODE_PATH for programs in other folders that need the packages."""

_HEADERS: Final = Path("/usr/include/node/node.h")
_REPORTED: Final = ("express", "sequelize", "finale-rest", "sqlite3", "pg", "@okta/jwt-verifier")


def install_finale() -> str:
    """Install the packages of the lock file unless they are installed; return the path of node.

    sqlite3 is compiled where no prebuilt binary can be downloaded, which takes one to two minutes.
    The distribution's own Node headers are used if they are installed.

    Raises:
        NodeError: Node or npm is missing, or npm failed.
    """
    if find_node() and not (MODULES / ".installed").exists():
        sys.stderr.write("Installing finale-rest and its packages, up to two minutes ...\n")
    headers = {"npm_config_nodedir": "/usr"} if _HEADERS.exists() else {}
    return install_packages(FINALE, headers)


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
