"""The pages on resources and models do what they say: their Python is run, their requests sent."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, MetaData
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.exchange import Exchange
from api.http.service import Service
from db.drivers import open_database
from db.engine import with_connection

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(python|http)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Claims:
    """Stands where the token gate stands: the caller is the test."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        Exchange.of(scope).claims = {"sub": "the test"}
        await self._app(scope, receive, send)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Give a page's code blocks: their language and text."""
    for match in BLOCK.finditer((DOCS / page).read_text()):
        yield match[1], match[2]


def read_exchange(text: str) -> tuple[str, str, bytes, int, Any]:
    """Read a request and its answer: method and path, body, status, JSON."""
    request, *rest = text.splitlines()
    method, path = request.split(" ", 1)
    at = next(index for index, line in enumerate(rest) if line.isdigit())
    return (
        method,
        path,
        "\n".join(rest[:at]).encode(),
        int(rest[at]),
        json.loads("\n".join(rest[at + 1 :])),
    )


def assert_holds(actual: Any, expected: Any) -> None:
    """Check that all that is expected is there; objects may hold more."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_holds(actual[name], value)
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_holds(one, other)
    else:
        assert actual == expected


def create_tables(url: str, metadata: MetaData) -> None:
    """Make the page's tables, as its migration would."""

    def create(connection: Connection) -> None:
        metadata.create_all(connection)
        connection.commit()

    with_connection(url, create)


@pytest.mark.parametrize(
    ("page", "requests"),
    [("reference/resources.md", 8), ("reference/models.md", 5), ("how-to/search-indexes.md", 3)],
)
def test_every_block_of_the_page_does_what_it_says(
    tmp_path: Path, page: str, requests: int
) -> None:
    url = f"sqlite:///{tmp_path / 'docs.sqlite'}"
    database = open_database(url)
    app = Service(access={}, log_requests=False, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(Claims)
    names: dict[str, Any] = {"app": app, "database": database}
    exchanges: list[tuple[str, str, bytes, int, Any]] = []

    async def send_all() -> None:
        await database.open()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://docs") as client:
            for method, path, body, status, expected in exchanges:
                response = await client.request(
                    method,
                    path,
                    content=body,
                    headers={"Content-Type": "application/json"} if body else {},
                )
                assert response.status_code == status, response.text
                assert_holds(response.json(), expected)
        await database.close()

    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, f"docs/{page}", "exec"), names)
        else:
            exchanges.append(read_exchange(text))
    create_tables(url, names["Base"].metadata)
    asyncio.run(send_all())
    assert len(exchanges) >= requests
