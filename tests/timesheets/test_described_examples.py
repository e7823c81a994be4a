"""Every example of the shipped service's description is accepted, and answered as it shows."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from tests.fixtures.described_examples import Described, Examples
from tests.fixtures.tokens import LocalIssuer
from tests.timesheets.signed_api import ALL, SignedApi, serve_signed

SCOPES: Final = (*ALL, "parts_manager", "read:messages")
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
CREATED_BEFORE: Final = ("/parts", "/timesheets", "/timesheets/locks")
"""Collections whose examples of a create are sent before other operations."""

NO_EXAMPLE: Final = {"cursor"}
"""Only the service can make a cursor."""

SERVER_SET: Final = {
    "id",
    "at",
    "client",
    "created_by",
    "createdAt",
    "issuer",
    "request_id",
    "subject",
    "updatedAt",
    "version",
    "who",
    "instance",
    "operation",
    "from",
    "to",
    "before",
    "after",
    "report",
    "status",
    "approved",
}
"""Members whose values depend on the time, on the caller and on what happened before."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedApi]:
    directory = tmp_path_factory.mktemp("examples")
    issuer = LocalIssuer()
    with serve_signed(directory, f"sqlite:///{directory / 'api.sqlite'}", issuer) as api:
        yield api
    issuer.close()


@pytest.fixture(scope="module")
def examples(api: SignedApi) -> Examples:
    return Examples(httpx.get(f"{api.url}/openapi.json").json())


class Sender:
    """Sends examples to a service that holds what they are about."""

    def __init__(self, api: SignedApi, examples: Examples) -> None:
        self._api = api
        self._examples = examples
        self._importer = api.machine("importer", *SCOPES)
        self._manager = api.person("grace")

    def prepare(self, described: Described) -> None:
        """Delete all rows; create those that an operation is about."""
        with_connection(self._api.database_url, delete_all)
        path = described.path
        creates = described.method == "post" and path.endswith(("s", "/bulk", "/upload", "/batch"))
        for collection in () if creates else CREATED_BEFORE:
            create = Described(collection, "post", self._post(collection))
            response = self._importer.post(collection, json=self.body(create))
            assert response.status_code == 201, (collection, response.text)

    def _post(self, path: str) -> Mapping[str, Any]:
        operation: Mapping[str, Any] = self._examples.document["paths"][path]["post"]
        return operation

    def body(self, described: Described, media_type: str = JSON) -> Any:
        """Return the example of the body."""
        content = described.operation["requestBody"]["content"]
        return self._examples.of_content(content, media_type)

    def send(self, described: Described, media_type: str = JSON, *others: str) -> httpx.Response:
        """Send the example of an operation, with some of its optional parameters."""
        path, query, headers = described.path, list[tuple[str, str]](), dict[str, str]()
        for parameter in self._examples.parameters(described):
            name, place = parameter["name"], parameter["in"]
            if not parameter.get("required") and name not in others:
                continue
            value = self._examples.of_parameter(parameter)
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(text(value), safe=""))
            elif place == "header":
                headers[name] = text(value)
            else:
                query += serialized(parameter, value)
        content = None
        if "requestBody" in described.operation:
            body = self.body(described, media_type)
            content = json.dumps(body) if media_type == JSON else body
            headers["Content-Type"] = media_type
        caller = self._manager if path.startswith("/approvals") else self._importer
        url = f"{path}?{urlencode(query)}" if query else path
        return caller.request(described.method, url, headers=headers, content=content)


def delete_all(connection: sa.Connection) -> None:
    """Delete all rows but the history, which never changes; restart the ids."""
    for name in ("parts", "timesheets", "timesheet_locks"):
        connection.exec_driver_sql(f"DELETE FROM {name}")
        connection.exec_driver_sql(f"DELETE FROM sqlite_sequence WHERE name = '{name}'")
    connection.commit()


def serialized(parameter: Mapping[str, Any], value: Any) -> list[tuple[str, str]]:
    """Return a query parameter as its style says (RFC 6570, OpenAPI 3.1)."""
    name, style = parameter["name"], parameter.get("style", "form")
    if not isinstance(value, list):
        return [(name, text(value))]
    if parameter.get("explode", style == "form"):
        return [(name, text(item)) for item in value]
    separator = {"form": ",", "pipeDelimited": "|"}[style]
    return [(name, separator.join(map(text, value)))]


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
