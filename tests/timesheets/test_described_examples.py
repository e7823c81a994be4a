"""Every example of the shipped service's description is accepted, and answered as it shows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest

from db.base import Base
from encore.database.engine import with_connection
from tests.fixtures.described_examples import MISSING, Described, Examples
from tests.fixtures.in_process import empty
from tests.fixtures.tokens import LocalIssuer
from tests.timesheets.signed_api import ALL, SignedApi, serve_signed

SCOPES: Final = (*ALL, "parts_manager", "read:messages")
JSON: Final = "application/json"
EMPTY_BEFORE: Final = {("/parts", "post"), ("/timesheets", "post"), ("/timesheets/locks", "post")}
"""Operations that create what the others find."""

CREATED_BEFORE: Final = ("/parts", "/timesheets", "/timesheets/locks")
"""Collections whose examples of a create are sent before the other operations."""


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
        with_connection(self._api.database_url, lambda c: (empty(c, Base.metadata), c.commit()))
        if (described.path, described.method) in EMPTY_BEFORE or described.path.endswith("load"):
            return
        for path in CREATED_BEFORE:
            body = self.body(Described(path, "post", self._examples.document["paths"][path]["post"]))
            response = self._importer.post(path, json=body)
            assert response.status_code == 201, (path, response.text)

    def body(self, described: Described, media_type: str = JSON) -> Any:
        """Return the example of the body."""
        content = described.operation["requestBody"]["content"]
        return self._examples.of_content(content, media_type)

    def send(
        self, described: Described, media_type: str = JSON, **optional: Any
    ) -> httpx.Response:
        """Send the example of an operation, with some of its optional parameters."""
        path, query, headers = described.path, [], {}
        for parameter in self._examples.parameters(described):
            name, place = parameter["name"], parameter["in"]
            if not parameter.get("required") and name not in optional:
                continue
            value = self._examples.of_parameter(parameter)
            if place == "path":
                path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            elif place == "header":
                headers[name] = str(value)
            else:
                query += serialized(parameter, value)
        options: dict[str, Any] = {}
        if "requestBody" in described.operation:
            body = self.body(described, media_type)
            if media_type == JSON:
                options["json"] = body
            else:
                options["content"] = body
                headers["Content-Type"] = media_type
        caller = self._manager if path.startswith("/approvals") else self._importer
        return caller.request(
            described.method, path, params=query, headers=headers, **options
        )


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
    return value if isinstance(value, str) else str(value).lower()
