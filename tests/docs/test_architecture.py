"""docs/explanation/architecture.md names every package and module of the library."""

import re
from typing import Final

from tests.fixtures.pages import DOCS, ROOT

PAGE: Final = (DOCS / "explanation/architecture.md").read_text(encoding="utf-8")
_ROW: Final = re.compile(r"^\| `([\w.]+/?)`", re.MULTILINE)


def test_every_package_of_the_library_has_a_row() -> None:
    inside = PAGE.partition("\n## Inside the library\n")[2].partition("\n## ")[0]
    expected = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "encore").iterdir()
        if (path / "__init__.py").is_file() or (path.suffix == ".py" and path.name[0] != "_")
    }
    assert set(_ROW.findall(inside)) == expected


def test_middlewares_of_the_page_exist() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "encore").rglob("*.py"))
    for name in re.findall(r"`(\w+Middleware)`", PAGE):
        assert f"class {name}" in source, name
