"""Each reason code that the library can raise for a token has an explanation, and a row in docs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from encore.auth import challenges
from encore.doctor.reasons import EXPLANATIONS, explain
from tests.fixtures.pages import DOCS, ROOT

_BY_POSITION: Final = {
    "invalid_token": 0,
    "invalid_request": 0,
    "no_credentials": 1,
    "insufficient_scope": 1,
    "_too_many": 2,
}
"""Functions that make an error, and the place of its reason among their arguments."""

_BY_NAME: Final = {"Unauthorized", "Forbidden", "InvalidRequest", "ServiceUnavailable"}
_ROW: Final = re.compile(r"^\| `([a-z0-9*-]+)` \| (.*) \|$", re.MULTILINE)
TREES: Final = {
    path.relative_to(ROOT / "encore"): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "encore").rglob("*.py"))
}
_OF_PRINCIPALS: Final = ("require_principal.py", "principal.py")


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Return what the names of a module are assigned."""
    return {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def _codes(node: ast.expr, names: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the reason codes of an argument; the variable end of an f-string is ``*``."""
    match node:
        case ast.Constant(value=str(code)):
            yield code
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue()]):
            yield f"{start}*"
        case ast.IfExp(body=body, orelse=orelse):
            yield from _codes(body, names)
            yield from _codes(orelse, names)
        case ast.Name(id=name) if name in names:
            yield from _codes(names[name], names)
        case ast.Attribute(attr="reason") | ast.Name(id="reason"):
            return  # Passed on: raised elsewhere.
        case _:
            pytest.fail(f"the reason code {ast.unparse(node)} must be a literal")


def _arguments(path: Path, tree: ast.Module) -> Iterator[tuple[ast.expr, dict[str, ast.expr]]]:
    """Yield the reasons of all errors about tokens that a file makes, and the names it knows."""
    names = NAMES | _constants(tree)
    of_tokens = path.parts[0] == "auth" or path.name in _OF_PRINCIPALS
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        place = _BY_POSITION.get(called)
        if "reason" in keywords and (place is not None or (of_tokens and called in _BY_NAME)):
            yield keywords["reason"], names
        elif place is not None and place < len(node.args):
            yield node.args[place], names


NAMES: Final = {
    name: value
    for path, tree in TREES.items()
    for name, value in _constants(tree).items()
    if path.parts[0] in {"auth", "http"} and name.isupper()
}


def codes_in_code() -> set[str]:
    return {
        code
        for path, tree in TREES.items()
        for argument, names in _arguments(path, tree)
        for code in _codes(argument, names)
    }


def test_every_reason_code_has_an_explanation() -> None:
    found = codes_in_code()
    assert len(found) > 25
    explained = {code for code in EXPLANATIONS if code.endswith("*")}
    missing = {
        code
        for code in found - EXPLANATIONS.keys()
        if not any(code.startswith(prefix[:-1]) for prefix in explained)
    }
    assert missing == set()


def test_every_explanation_is_of_a_code() -> None:
    found = codes_in_code()
    prefixes = tuple(code[:-1] for code in found if code.endswith("*"))
    assert {c for c in EXPLANATIONS if c not in found and not c.startswith(prefixes)} == set()


def test_every_code_that_challenges_raise_by_default_is_explained() -> None:
    errors = (challenges.keys_unavailable(1), challenges.introspection_unavailable(1))
    assert {error.reason for error in errors} <= EXPLANATIONS.keys()


def test_every_explanation_says_what_is_wrong_in_one_line() -> None:
    for code, text in EXPLANATIONS.items():
        assert 20 < len(text) < 200, code
        assert text.isprintable()
        assert not text.endswith(".")


def test_unknown_code_is_shown() -> None:
    assert explain("brand-new") == "it is refused for the reason brand-new"
    assert explain("unexpected-KeyError").endswith("(unexpected-KeyError)")


def test_reference_has_the_explanation_of_every_code() -> None:
    page = (DOCS / "reference/log.md").read_text(encoding="utf-8")
    rows = dict(_ROW.findall(page.partition("## Reasons to refuse a token")[2]))
    assert rows == dict(EXPLANATIONS)
