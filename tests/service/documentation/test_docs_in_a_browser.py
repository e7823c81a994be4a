"""The docs page in a real browser: a login at the development issuer, and the first request."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.fixtures.browser import Browser
from tests.fixtures.system import System, start_system

pytestmark = pytest.mark.processes

PREFIX = "/shop"
STATE = "#token-state"
USED = "Requests send your token"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return the shipped service, which trusts proxies of this machine."""
    directory = tmp_path_factory.mktemp("shop")
    system = start_system(directory, LOG_LEVEL="warning", TRUSTED_PROXIES="127.0.0.1 ::1")
    yield system
    system.stop()


@pytest.fixture(scope="module")
def proxy(shop: System) -> Iterator[str]:
    """Return the URL of a proxy that removes a prefix."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {"X-Forwarded-Prefix": PREFIX, "Accept-Encoding": "identity"}
            for name in ("Accept", "Authorization"):
                if name in self.headers:
                    headers[name] = self.headers[name]
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            url = shop.url + self.path.removeprefix(PREFIX)
            response = httpx.get(url, headers=headers)
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
    server.shutdown()
    thread.join()
    server.server_close()


def forget_token(browser: Browser) -> None:
    browser.run("sessionStorage.clear()")


def allow(browser: Browser, user: str) -> None:
    """Allow what the issuer's window asks for, and return to the docs page."""
    page = browser.window
    opened = browser.wait(lambda: [w for w in browser.windows() if w != page], "window")
    browser.switch(opened[0])
    browser.click(f"input[value={user}]")
    browser.click("button[value=allow]")
    browser.wait(lambda: browser.windows() == [page], "end of the login")
    browser.switch(page)


def request(browser: Browser, tag: str, path: str) -> str:
    """Send a GET request; its response must be 200. Return the selector of its operation."""
    operation = f".opblock-get:has([data-path='{path}'])"
    browser.click(".opblock-tag", tag)
    browser.click(f"{operation} .opblock-summary-control")
    browser.click(f"{operation} .try-out__btn")
    browser.click(f"{operation} .execute")
    browser.find(f"{operation} .live-responses-table .response-col_status", "200")
    return operation


def test_login_by_button_and_first_request(browser: Browser, shop: System) -> None:
    browser.open(f"{shop.url}/")
    assert browser.url == f"{shop.url}/docs"
    browser.click("#login")
    allow(browser, "grace")
    browser.find(STATE, USED)
    shop.client.post("/parts", json={"name": "Bolt"}).raise_for_status()
    operation = request(browser, "parts", "/parts")
    # Examples of filters are not sent: the row is found.
    assert "Bolt" in browser.text(browser.find(f"{operation} .live-responses-table"))
    browser.open(f"{shop.url}/docs")  # The token is kept for the tab.
    browser.find(STATE, USED)
    browser.click("#forget")
    assert browser.run("return sessionStorage.length") == 0
    assert browser.run(f"return document.querySelector('{STATE}').textContent") == ""
    assert browser.problems() == []


def test_login_by_swagger_uis_own_dialog(browser: Browser, shop: System) -> None:
    browser.open(f"{shop.url}/docs")
    forget_token(browser)
    browser.click(".auth-wrapper .authorize")
    assert browser.run("return document.querySelector('#client_id_authorizationCode').value") == (
        "docs"
    )
    browser.click(".auth-container .authorize")
    allow(browser, "ada")
    browser.click(".auth-container .btn-done", "Close")
    browser.find(STATE, USED)
    forget_token(browser)
    assert browser.problems() == []


def test_refused_login_is_told(browser: Browser, shop: System) -> None:
    browser.open(f"{shop.url}/docs")
    browser.click("#login")
    page = browser.window
    opened = browser.wait(lambda: [w for w in browser.windows() if w != page], "window")
    browser.switch(opened[0])
    browser.click("button[value=deny]")
    browser.wait(lambda: browser.windows() == [page], "end of the login")
    browser.switch(page)
    browser.find(STATE, "The issuer refused")
    assert browser.problems() == []


def test_page_behind_a_prefix(browser: Browser, shop: System, proxy: str) -> None:
    browser.open(f"{proxy}/")
    assert browser.url == f"{proxy}/docs"
    browser.type("#token", shop.token())
    browser.click("#token-form button")
    browser.find(STATE, USED)
    operation = request(browser, "quickstart", "/api/private")
    assert f"{proxy}/api/private" in browser.text(browser.find(f"{operation} .curl"))
    assert browser.problems() == []
