"""docs/explanation/architecture.md lists the layers of the import contract, bottom to top."""

import re
import tomllib
from typing import Final

from tests.fixtures.pages import DOCS, ROOT

PAGE: Final = (DOCS / "explanation/architecture.md").read_text(encoding="utf-8")
_ROW: Final = re.compile(r"^\| `([\w.]+/?)`", re.MULTILINE)


def layers_of(container: str) -> list[str]:
    """Return the packages of the layers contract inside a package, from bottom to top."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (c["layers"] for c in contracts if c.get("containers") == [container])
    return [name for layer in reversed(layers) for name in re.split(r" \| ", layer)]


def packages_of(heading: str) -> list[str]:
    """Return the packages of a section's table, in its order."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [row.rstrip("/").removesuffix(".py") for row in _ROW.findall(section)]


def test_packages_of_the_page_are_the_layers_from_bottom_to_top() -> None:
    layers = [layer for layer in layers_of("encore") if layer != "__main__"]
    assert packages_of("Inside the library") == layers
    assert packages_of("Inside the command line") == layers_of("client")
    assert packages_of("Inside the import job") == layers_of("client.importing")


def test_middlewares_of_the_page_exist() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "encore").rglob("*.py"))
    for name in re.findall(r"`(\w+Middleware)`", PAGE):
        assert f"class {name}" in source, name
