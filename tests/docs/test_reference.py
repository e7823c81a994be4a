"""Tables of the reference list what the code has: options, arguments, operators, attributes."""

import re
from dataclasses import fields
from typing import Final

import pytest

from encore import Action, Context, CustomAction, Include, ResourceOptions
from encore.query.operators import OPERATORS
from tests.fixtures.pages import DOCS

_NAME: Final = re.compile(r"`(?:await )?([a-z_]+)(?:\([a-z]*\))?`")


def names(page: str, header: str) -> set[str]:
    """Return the names in the first column of the table with this header."""
    text = (DOCS / page).read_text(encoding="utf-8")
    table = text.partition(f"\n| {header} |")[2].partition("\n\n")[0]
    cells = [row.split(" | ")[0] for row in table.splitlines()[2:]]
    assert cells, (page, header)
    return {name for cell in cells for name in _NAME.findall(cell)}


def members(class_: type) -> set[str]:
    """Return the names of a dataclass's fields."""
    return {field.name for field in fields(class_)}


def test_options_of_a_resource_are_all_listed() -> None:
    listed = names("reference/options.md", "option | meaning")
    assert listed == members(ResourceOptions) - {"model"} | {"scopes"}


def test_arguments_of_include_are_all_listed() -> None:
    listed = names("reference/relations.md", "argument of `Include` | meaning")
    assert listed == members(Include)


def test_arguments_of_custom_actions_are_all_listed() -> None:
    listed = names("how-to/custom-actions.md", "argument | meaning")
    assert listed == members(CustomAction)


def test_class_attributes_of_actions_exist() -> None:
    listed = names("how-to/custom-actions.md", "class attribute | meaning")
    assert listed <= Action.__annotations__.keys()


def test_attributes_of_the_context_exist() -> None:
    listed = names("reference/hooks.md", "attribute | meaning")
    assert listed <= set(dir(Context))


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_operator_is_listed(operator: str) -> None:
    page = (DOCS / "reference/queries.md").read_text(encoding="utf-8")
    assert re.search(rf"(\b|__){operator}\b", page)
