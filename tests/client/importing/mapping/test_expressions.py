"""Expressions: columns, paths and templates as the mapping writes them."""

import re

import pytest

from client.importing.mapping.expressions import parse_expression


@pytest.mark.parametrize(
    ("text", "names", "literals"),
    [
        ("Start", ("Start",), ()),
        ("user.name", ("user.name",), ()),
        ("{First Name} {Last Name}", ("First Name", "Last Name"), ("", " ", "")),
        ("P-{ id }", ("id",), ("P-", "")),
        ("{{{a}}}", ("a",), ("{", "}")),
        ("{{Hours}}", ("{Hours}",), ()),
        ("{a{{b}", ("a{b",), ("", "")),
    ],
)
def test_expression_has_names_and_literals(
    text: str, names: tuple[str, ...], literals: tuple[str, ...]
) -> None:
    expression = parse_expression(text)
    assert (expression.names, expression.literals) == (names, literals)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("{Date} {In", "has a { that is not closed: '{In'"),
        ("{Date {In}", "has a { that is not closed: '{Date {In}'"),
        ("Date}", "has a } without a {"),
        ("{}", "has {} without the name"),
    ],
)
def test_malformed_expression_is_rejected(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_expression(text)
