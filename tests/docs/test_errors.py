"""Every problem type has a page with its status, title and class, and every page a type."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import pytest

import encore
from encore.errors import TYPE_PREFIX, ApiError
from tests.fixtures.pages import DOCS, code_blocks, json_of

FOLDER: Final = DOCS / "reference" / "errors"
_ROW: Final = re.compile(r"^\| (type|status|title|class) \| `?(.*?)`? \|$", re.MULTILINE)
_INDEX_ROW: Final = re.compile(r"^\| \[(.*?)\]\((.*?)\.md\) \| (\d+) \|", re.MULTILINE)


def error_classes(base: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    """Yield a class and all below it."""
    yield base
    for subclass in base.__subclasses__():
        yield from error_classes(subclass)


def classes_by_slug() -> dict[str, type[ApiError]]:
    """Return the class that introduces each problem type of the library."""
    for module in walk_packages(encore.__path__, "encore."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found: dict[str, type[ApiError]] = {}
    for error in error_classes():
        if error.__module__.startswith("encore.") and not error.__name__.startswith("Status"):
            found.setdefault(error.slug, error)
    return found | {"internal-error": import_module("encore.errors").InternalError}


CLASSES: Final = classes_by_slug()


@pytest.mark.parametrize("slug", sorted(CLASSES))
def test_page_names_type_status_title_and_class(slug: str) -> None:
    page, error = FOLDER / f"{slug}.md", CLASSES[slug]
    assert dict(_ROW.findall(page.read_text(encoding="utf-8"))) == {
        "type": TYPE_PREFIX + slug,
        "status": str(error.status),
        "title": error.title,
        "class": error.__name__,
    }


@pytest.mark.parametrize("slug", sorted(CLASSES))
def test_page_has_an_example_of_its_type(slug: str) -> None:
    error = CLASSES[slug]
    examples = [json_of(*block) for block in code_blocks(FOLDER / f"{slug}.md", "http", "json")]
    problem = {"type": TYPE_PREFIX + slug, "title": error.title, "status": error.status}
    assert any(problem.items() <= example.items() for example in examples if example)


def test_every_page_and_every_row_of_the_index_is_a_type() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = {name: int(status) for name, _, status in _INDEX_ROW.findall(index)}
    assert rows == {slug: error.status for slug, error in CLASSES.items()}
    assert {page.stem for page in FOLDER.glob("*.md")} == {*CLASSES, "README"}
