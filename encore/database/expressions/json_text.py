"""JSON in SQL: building its text, and comparing documents."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, cast, func, literal
from sqlalchemy.dialects.postgresql import JSONB

from encore.database.capabilities import capabilities_of


def json_array_text(
    objects: list[Mapping[str, ColumnElement[Any]]], dialect: Dialect
) -> ColumnElement[str]:
    """Return the text of a JSON array of objects, each with these members."""
    members = [chain.from_iterable((literal(n, Text), v) for n, v in o.items()) for o in objects]
    if not capabilities_of(dialect).parsed_json:
        return func.json_array(*(func.json_object(*pairs) for pairs in members))
    return cast(func.json_build_array(*(func.json_build_object(*p) for p in members)), Text)


def comparable_json(document: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a document in a form that ``=`` compares, where JSON is ``parsed_json``."""
    return cast(document, JSONB())
