"""Pages with Python: it is run as a service of its own, and each request is sent to that."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.application import Application
from encore.http.request_state import RequestState
from encore.service import service as service_module
from encore.service.authentication import Authentication
from tests.fixtures.pages import (
    DOCS,
    Exchange,
    assert_contains,
    code_blocks,
    pages,
    parse_exchange,
    with_preludes,
)

OTHERS: Final = {DOCS / "how-to/import.md", DOCS / "reference/log.md", DOCS / "tutorial.md"}
"""Pages whose Python has a test of its own."""

PAGES: Final = [
    page
    for page in pages()
    if page not in OTHERS and (list(code_blocks(page, "python")) or len(with_preludes(page)) > 1)
]


class ClaimsMiddleware:
    """Authenticate every request as the same caller, in place of the token gate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = RequestState.from_scope(scope)
        state.claims = {"sub": "the test"}
        state.granted = state.access.scopes() | {"library", "library:restore"}
        await self._app(scope, receive, send)


class NoTokens(Authentication):
    """The token gate of a page's service: every caller is known."""

    def protect(self, app: Application) -> None:
        app.add_middleware(ClaimsMiddleware)

    async def open(self) -> None:
        """There is no issuer to fetch keys from."""


@pytest.fixture
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a page's service, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISSUER", "https://issuer.example/")
    monkeypatch.setenv("LOG_LEVEL", "warning")
    monkeypatch.setattr(service_module, "Authentication", NoTokens)


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
            if exchange.expected is None:
                assert response.content == b"", (exchange, response.text)
            else:
                assert_contains(response.json(), exchange.expected)
            assert_contains(response.headers, exchange.response_headers)


@pytest.mark.usefixtures("_settings")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_do_what_the_page_says(page: Path) -> None:
    names: dict[str, Any] = {}
    exchanges: list[Exchange] = []
    for source in with_preludes(page):
        for language, text in code_blocks(source, "python", "http"):
            if language == "python":
                exec(compile(text, str(source.relative_to(DOCS)), "exec"), names)
            else:
                exchanges.append(parse_exchange(text))
    service = names["service"]
    service.schema().create()

    async def run() -> None:
        async with service.router.lifespan_context(service):
            await send_all(service, exchanges)

    asyncio.run(run())
    assert exchanges
