"""docs/explanation/architecture.md lists the layers of the import contract, bottom to top."""

import re
import tomllib
from typing import Final

from tests.fixtures.pages import DOCS, ROOT

PAGE: Final = (DOCS / "explanation/architecture.md").read_text(encoding="utf-8")
_ROW: Final = re.compile(r"^\| `([\w.]+/?)`", re.MULTILINE)


def test_packages_of_the_page_are_the_layers_from_bottom_to_top() -> None:
    inside = PAGE.partition("\n## Inside the library\n")[2].partition("\n## ")[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    packages = [row.rstrip("/").removesuffix(".py") for row in _ROW.findall(inside)]
    assert packages == [layer for layer in reversed(layers) if layer != "__main__"]


def test_middlewares_of_the_page_exist() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "encore").rglob("*.py"))
    for name in re.findall(r"`(\w+Middleware)`", PAGE):
        assert f"class {name}" in source, name
