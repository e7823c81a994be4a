"""Data providers in a browser: what CORS allows, and the code of docs/how-to/react-admin.md."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest

from tests.fixtures.pages import DOCS, code_blocks
from tests.fixtures.system import System, start_system
from tests.front_ends.front_end import FOLDER, DataProvider, DataProviderError, NodeClients

pytestmark = pytest.mark.processes

ORIGIN: Final = "http://localhost:5173"
PAGE: Final = {"pagination": {"page": 1, "perPage": 5}, "sort": {"field": "id", "order": "ASC"}}
LIST: Final = {**PAGE, "filter": {}}
REACT_ADMIN: Final[dict[str, tuple[Any, ...]]] = {
    "getList": ("parts", LIST),
    "getOne": ("parts", {"id": 1}),
    "getMany": ("parts", {"ids": [1, 2]}),
    "getManyReference": ("parts", {**LIST, "target": "name", "id": "x"}),
    "create": ("parts", {"data": {"name": "x"}}),
    "update": ("parts", {"id": 1, "data": {"name": "y"}}),
    "updateMany": ("parts", {"ids": [1], "data": {"name": "y"}}),
    "delete": ("parts", {"id": 1}),
    "deleteMany": ("parts", {"ids": [1]}),
}
ONE: Final = {"resource": "parts", "id": 1}
REFINE: Final[dict[str, tuple[Any, ...]]] = {
    "getList": ({"resource": "parts"},),
    "getOne": (ONE,),
    "getMany": ({"resource": "parts", "ids": [1, 2]},),
    "create": ({"resource": "parts", "variables": {"name": "x"}},),
    "update": ({**ONE, "variables": {"name": "y"}},),
    "deleteOne": (ONE,),
}
PROVIDERS: Final = {
    "ra-data-simple-rest": REACT_ADMIN,
    "ra-data-json-server": REACT_ADMIN,
    "@refinedev/simple-rest": REFINE,
}
SAFELISTED: Final = {"accept", "accept-language", "content-language"}
"""Request headers that need no permission, whatever their value."""

READ: Final = {"content-range", "x-total-count"}
"""Response headers that the providers read."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return the shipped service, with an origin that may call it."""
    system = start_system(tmp_path_factory.mktemp("site"), LOG_LEVEL="warning", CORS_ORIGINS=ORIGIN)
    yield system
    system.stop()


@pytest.mark.parametrize(
    ("package", "method"),
    [(package, method) for package, calls in PROVIDERS.items() for method in calls],
)
def test_browser_may_send_what_a_provider_sends(
    clients: NodeClients, site: System, package: str, method: str
) -> None:
    provider = DataProvider(clients, package, site.url, site.token())
    with suppress(DataProviderError):  # There need not be a row.
        provider.call(method, *PROVIDERS[package][method])
    assert provider.requests
    for request in provider.requests:
        names = {
            name for name, value in request["headers"].items() if needs_permission(name, value)
        }
        preflight = httpx.options(
            request["url"],
            headers={
                "Origin": ORIGIN,
                "Access-Control-Request-Method": request["method"],
                "Access-Control-Request-Headers": ",".join(sorted(names)),
            },
        )
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        assert request["method"] in split(preflight, "access-control-allow-methods")
        assert names <= {n.lower() for n in split(preflight, "access-control-allow-headers")}
        exposed = split(preflight, "access-control-expose-headers")
        assert {name.lower() for name in exposed} >= READ


def needs_permission(name: str, value: str) -> bool:
    """Return whether a preflight must name a request header."""
    if name == "content-type":
        return value != "text/plain"
    return name not in SAFELISTED


def split(response: httpx.Response, header: str) -> list[str]:
    return response.headers[header].split(", ")


def documented(clients: NodeClients, site: System, number: int) -> DataProvider:
    """Return the data provider that a block of the page exports."""
    source = [text for _, text in code_blocks(DOCS / "how-to/react-admin.md", "js")][number]
    file = FOLDER / "node_modules" / f".page-{number}.mjs"
    # ra-core is the part of react-admin without its components.
    file.write_text(source.replace('"react-admin"', '"ra-core"'), encoding="utf-8")
    return DataProvider(clients, str(file), site.url, site.token())


def test_react_admin_code_of_the_page_works(clients: NodeClients, site: System) -> None:
    provider = documented(clients, site, 0)
    row = provider.call("create", "parts", {"data": {"name": "bolt"}})["data"]
    found = provider.call("getList", "parts", {**PAGE, "filter": {"id": row["id"]}})
    assert found == {"data": [row], "total": 1}
    with pytest.raises(DataProviderError) as raised:
        provider.call("create", "parts", {"data": {"nam": "bolt"}})
    body = raised.value.body
    assert body is not None
    assert list(body["errors"]) == ["nam"]


def test_refine_code_of_the_page_works(clients: NodeClients, site: System) -> None:
    provider = documented(clients, site, 1)
    row = provider.call("create", {"resource": "parts", "variables": {"name": "nut"}})["data"]
    equal = [{"field": "id", "operator": "eq", "value": row["id"]}]
    assert provider.call("getList", {"resource": "parts", "filters": equal}) == {
        "data": [row],
        "total": 1,
    }
