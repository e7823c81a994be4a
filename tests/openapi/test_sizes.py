"""The share of each operation in the size of the shipped document, compared with earlier figures.

``sizes_before.json`` has the figures of the document before parameters, headers and responses were
shared: bytes of compact JSON and parameters, by operation, without examples and descriptions.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from api.app import create_service
from api.settings import ApiSettings

BEFORE: Final[dict[str, list[int]]] = json.loads(
    Path(__file__).with_name("sizes_before.json").read_text()
)
MANY: Final = 100
"""How many parameters of an operation are too many."""

NOT_COUNTED: Final = {"description", "summary", "example", "examples"}
NAMED: Final = {"properties", "parameters", "headers", "responses", "schemas", "paths"}


def counted(part: Any, *, by_name: bool = False) -> Any:
    """Return a part of a document without examples and descriptions."""
    if isinstance(part, dict):
        return {
            name: counted(value, by_name=name in NAMED and isinstance(value, dict))
            for name, value in part.items()
            if by_name or name not in NOT_COUNTED
        }
    return [counted(value) for value in part] if isinstance(part, list) else part


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def size(part: Any) -> int:
    return len(json.dumps(part, separators=(",", ":")))


def shares(document: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """Return bytes and parameters of each operation.

    A component counts for the operations that use it, in equal parts.
    """
    document = counted(document)
    operations = {
        f"{method} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }

    def component(reference: str) -> Any:
        kind, name = reference.removeprefix("#/components/").split("/")
        return document["components"][kind][name]

    used: dict[str, set[str]] = {}
    for key, operation in operations.items():
        used[key] = set()
        pending = list(references(operation))
        while pending:
            if (reference := pending.pop()) not in used[key]:
                used[key].add(reference)
                pending += references(component(reference))
    users = Counter(reference for each in used.values() for reference in each)
    return {
        key: (
            size(operation) + sum(size(component(ref)) / users[ref] for ref in used[key]),
            len(operation.get("parameters", ())),
        )
        for key, operation in operations.items()
    }


@pytest.fixture(scope="module")
def now() -> dict[str, tuple[float, int]]:
    issuer = "http://localhost:1/oauth2/default"
    settings = ApiSettings.parse({"DATABASE_URL": "sqlite:///unused.sqlite", "ISSUER": issuer})
    return shares(create_service(settings).openapi())


def test_operations_are_half_as_large_as_before(now: dict[str, tuple[float, int]]) -> None:
    assert sum(now[key][0] for key in BEFORE) < sum(bytes_ for bytes_, _ in BEFORE.values()) / 2
    for key, (bytes_, parameters) in BEFORE.items():
        assert now[key][0] <= bytes_, key
        if parameters > MANY:
            assert now[key][0] < bytes_ / 1.9, key


def test_operations_have_half_the_parameters_of_before(now: dict[str, tuple[float, int]]) -> None:
    before = sum(parameters for _, parameters in BEFORE.values())
    assert sum(now[key][1] for key in BEFORE) < before / 2
    for key, (_, parameters) in BEFORE.items():
        assert now[key][1] <= parameters, key
        if parameters > MANY:
            assert now[key][1] < parameters / 2, key
