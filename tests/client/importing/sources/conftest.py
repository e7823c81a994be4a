"""A paged source, and a runner of imports with a mapping."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.client.importing.conftest import FakeUploadApi, ImportRun, RunResult
from tests.client.importing.sources.paged_source import PagedSource, serve_pages


@pytest.fixture
def source() -> Iterator[PagedSource]:
    with serve_pages() as source:
        yield source


class SourceImport(NamedTuple):
    """Imports the fake source, or a file, with a mapping."""

    run: ImportRun
    source: PagedSource
    api: FakeUploadApi
    directory: Path

    def __call__(
        self, mapping: str = "", *argv: Any, path: str = "/entries", **environment: Any
    ) -> RunResult:
        location = path if "://" in path or path.endswith(".json") else self.source.origin + path
        (self.directory / "mapping.toml").write_text(mapping)
        mapped = ("--mapping", self.directory / "mapping.toml", *argv)
        return self.run(location, *mapped, **environment)

    @property
    def ids(self) -> list[str]:
        """External ids in the order in which they were sent."""
        return [row["external_id"] for request in self.api.requests for row in request.rows]


@pytest.fixture
def imported(
    run: ImportRun, source: PagedSource, api: FakeUploadApi, tmp_path: Path
) -> SourceImport:
    return SourceImport(run, source, api, tmp_path)
