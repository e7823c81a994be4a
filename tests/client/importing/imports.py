"""Runs the import command against a running service, and returns what the service stores."""

import io
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from client.cli import main
from client.environment import Environment
from tests.fixtures.system import System

PAGE: Final = 1000


class ImportResult(NamedTuple):
    """The end of an import."""

    code: int
    err: str

    def count(self, *names: str) -> int:
        """Return the sum of these numbers of the summary."""
        return sum(int(n) for name in names for n in re.findall(rf"(\d+) {name}\b", self.err))


class ServiceImports(NamedTuple):
    """Imports into a running service, with the credentials in its directory."""

    system: System
    token: str
    """With the scope to read timesheets."""

    def run(self, source: str | Path, *arguments: str | Path, **environment: str) -> ImportResult:
        """Run ``import timesheets`` in this process."""
        err = io.StringIO()
        process = Environment(
            ["import", "timesheets", str(source), *map(str, arguments)],
            {"ISSUER": self.system.issuer, "IMPORT_URL": self._url, **environment},
            str(self.system.directory),
            io.StringIO(),
            io.StringIO(),
            err,
        )
        code = main(process)
        assert "Traceback" not in err.getvalue()
        return ImportResult(code, err.getvalue())

    @property
    def _url(self) -> str:
        return f"{self.system.url}/timesheets/upload"

    def stored(self, source: str) -> list[dict[str, Any]]:
        """Return the entries of a source."""
        response = self.system.client.get(
            "/timesheets",
            params={"source": source, "sort": "id", "count": PAGE},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        entries: list[dict[str, Any]] = response.raise_for_status().json()
        return entries
