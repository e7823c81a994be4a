"""Pages with Python: it is run as a service of its own, and each request is sent to that."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import Connection, MetaData
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.http.application import Application
from encore.http.request_state import RequestState
from tests.fixtures.pages import (
    DOCS,
    Exchange,
    assert_contains,
    code_blocks,
    pages,
    parse_exchange,
    with_preludes,
)

OTHERS: Final = {DOCS / "import.md", DOCS / "tutorial.md"}
"""Pages whose Python has a test of its own."""

PAGES: Final = [
    page
    for page in pages()
    if page not in OTHERS and (list(code_blocks(page, "python")) or len(with_preludes(page)) > 1)
]


class Claims:
    """Authenticate every request as the same caller, in place of the token gate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        RequestState.from_scope(scope).claims = {"sub": "the test"}
        await self._app(scope, receive, send)


def create_tables(url: str, metadata: MetaData) -> None:
    """Create the page's tables, as its migration would."""

    def create(connection: Connection) -> None:
        metadata.create_all(connection)
        connection.commit()

    with_connection(url, create)


async def send_all(app: ASGIApp, exchanges: Sequence[Exchange]) -> None:
    """Send the requests in order and compare the responses with the page."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://docs") as client:
        for exchange in exchanges:
            content_type = {"Content-Type": "application/json"} if exchange.body else {}
            response = await client.request(
                exchange.method,
                exchange.path,
                content=exchange.body.encode(),
                headers=content_type | exchange.headers,
            )
            assert response.status_code == exchange.status, (exchange, response.text)
            assert_contains(response.json(), exchange.expected)
            assert_contains(response.headers, exchange.response_headers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_do_what_the_page_says(tmp_path: Path, page: Path) -> None:
    url = f"sqlite:///{tmp_path / 'docs.sqlite'}"
    database = open_database(url)
    app = Application(
        access={}, log_requests=False, openapi_url=None, docs_url=None, redoc_url=None
    )
    app.add_middleware(Claims)
    names: dict[str, Any] = {"app": app, "database": database}
    exchanges: list[Exchange] = []
    for source in with_preludes(page):
        for language, text in code_blocks(source, "python", "http"):
            if language == "python":
                exec(compile(text, str(source.relative_to(DOCS)), "exec"), names)
            else:
                exchanges.append(parse_exchange(text))
    create_tables(url, names["Base"].metadata)

    async def run() -> None:
        await database.open()
        try:
            await send_all(app, exchanges)
        finally:
            await database.close()

    asyncio.run(run())
    assert exchanges
