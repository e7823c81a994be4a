"""Each request of docs/how-to/timesheets.md is sent to the running system."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT, start_system
from tests.timesheets.conftest import SCOPES, Office

BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JOB = "job"


@dataclass(frozen=True)
class Exchange:
    """A request of the page, and what it says of the answer."""

    line: str
    headers: dict[str, str]
    body: str
    status: int
    expected: Any


def exchanges() -> Iterator[Exchange]:
    """Read the page: head, body if there is one, and answer are divided by blank lines."""
    page = (ROOT / "docs/how-to/timesheets.md").read_text(encoding="utf-8")
    for block in BLOCK.findall(page):
        head, *body, answer = block.strip("\n").split("\n\n")
        line, *headers = head.splitlines()
        named = dict(header.split(": ", 1) for header in headers)
        status, _, expected = answer.partition("\n")
        yield Exchange(line, named, "\n\n".join(body), int(status), json.loads(expected))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    system = start_system(tmp_path, LOG_LEVEL="warning")
    office = Office(system)
    yield office
    office.close()
    system.stop()


def caller(office: Office, name: str) -> httpx.Client:
    return office.machine(f"{SCOPES} batch:upload") if name == JOB else office.person(name)


def holds(actual: Any, expected: Any) -> bool:
    """Tell whether all that is expected is there; objects may hold more."""
    match expected:
        case dict():
            return all(holds(actual.get(name), value) for name, value in expected.items())
        case list():
            pairs = zip(actual, expected, strict=False)
            return len(actual) == len(expected) and all(holds(*pair) for pair in pairs)
        case _:
            return bool(actual == expected)


def test_every_request_of_the_page_is_answered_as_it_says(office: Office) -> None:
    asked = list(exchanges())
    assert len(asked) > 10
    for exchange in asked:
        method, path = exchange.line.split(" ")
        headers = {"Content-Type": "application/json"} | exchange.headers
        client = caller(office, headers.pop("As"))
        response = client.request(method, path, content=exchange.body.encode(), headers=headers)
        assert response.status_code == exchange.status, (exchange.line, response.text)
        assert holds(response.json(), exchange.expected), (exchange.line, response.text)
