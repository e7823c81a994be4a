"""Every example of the shipped service's description is accepted, and answered as it shows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import jsonschema_rs
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from encore.openapi.problem_examples import problem_example
from tests.fixtures.described_examples import MISSING, Described, Examples
from tests.fixtures.tokens import LocalIssuer
from tests.timesheets.signed_api import ALL, SignedApi, serve_signed

pytestmark = pytest.mark.processes

SCOPES: Final = (*ALL, "parts_manager", "read:messages")
JSON: Final = "application/json"
BY_FILTER: Final = ("/parts", "/timesheets")
"""Paths whose rows are changed and deleted by filters, of which one must be given."""

PROBLEM: Final = "application/problem+json"
CREATED_BEFORE: Final = ("/parts", "/timesheets", "/timesheets/locks")
"""Collections whose examples of a create are sent before other operations."""

NO_EXAMPLE: Final = {"cursor"}
"""Only the service can make a cursor."""

VARYING: Final = {
    *("at", "client", "created_by", "createdAt", "updatedAt", "issuer", "subject", "who"),
    *("version", "operation", "before", "after", "from", "to", "headers", "timestamp"),
}
"""Members whose values depend on the time, on the caller and on what happened before."""

DECIDED: Final = {"status", "approved"}
"""Members that a decision changes; the example of a row is the entry before."""

REFUSED_IN_THE_PAST: Final = "If-Unmodified-Since"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedApi]:
    directory = tmp_path_factory.mktemp("examples")
    issuer = LocalIssuer()
    try:
        with serve_signed(directory, f"sqlite:///{directory / 'api.sqlite'}", issuer) as api:
            yield api
    finally:
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

    def media_types(self, described: Described) -> list[str]:
        """Return the media types of the body of an operation; JSON if it has none."""
        return list(described.operation.get("requestBody", {}).get("content", [JSON]))

    def send(
        self,
        described: Described,
        media_type: str = JSON,
        *,
        others: Sequence[str] = (),
        accept: str = JSON,
    ) -> httpx.Response:
        """Send the example of an operation, with some of its optional parameters."""
        if described.path in BY_FILTER and described.method in ("patch", "delete"):
            others = [*others, "id"]
        path, query = described.path, list[tuple[str, str]]()
        headers = {"Accept": accept}
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
    """Delete all rows, those of the history too, which triggers keep; restart the ids."""
    for change in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS timesheet_transitions_no_{change}")
    for name in ("parts", "timesheets", "timesheet_locks", "timesheet_transitions"):
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


def test_everything_has_an_example(examples: Examples) -> None:
    missing = {name for described in examples.operations() for name in lacking(examples, described)}
    assert missing == NO_EXAMPLE
    schemas = examples.document["components"]["schemas"]
    assert [name for name in schemas if examples.of_schema(schemas[name]) is MISSING] == []


def lacking(examples: Examples, described: Described) -> Iterator[str]:
    """Yield the parameters, headers and media types of an operation that have no example."""
    for parameter in examples.parameters(described):
        if examples.of_parameter(parameter) is MISSING:
            yield parameter["name"]
    body = examples.resolve(described.operation.get("requestBody", {}))
    for node in (body, *map(examples.resolve, described.operation["responses"].values())):
        for media_type in node.get("content", ()):
            if examples.of_content(node["content"], media_type) is MISSING:
                yield f"{described}: {media_type}"
        for name, header in node.get("headers", {}).items():
            if examples.of_parameter(examples.resolve(header)) is MISSING:
                yield f"{described}: {name}"


def test_every_example_is_valid_for_its_schema(examples: Examples) -> None:
    components = {"components": examples.document["components"]}
    for name, schema in examples.document["components"]["schemas"].items():
        validator = jsonschema_rs.Draft202012Validator({**schema, **components})
        for example in schema.get("examples", ()):
            assert validator.is_valid(example), (name, example)
    for described in examples.operations():
        for parameter in examples.parameters(described):
            if parameter["name"] not in NO_EXAMPLE:
                schema = {**parameter["schema"], **components}
                example = examples.of_parameter(parameter)
                valid = jsonschema_rs.Draft202012Validator(schema).is_valid(example)
                assert valid, (str(described), parameter["name"], example)


def test_examples_of_operations_are_answered_as_shown(api: SignedApi, examples: Examples) -> None:
    sender = Sender(api, examples)
    for described in examples.operations():
        for media_type in sender.media_types(described):
            sender.prepare(described)
            response = sender.send(described, media_type)
            assert response.is_success, (str(described), media_type, response.text)
            assert_as_shown(examples, described, response)


def test_streams_are_answered_as_shown(api: SignedApi, examples: Examples) -> None:
    sender = Sender(api, examples)
    for described in examples.operations():
        content = described.operation["responses"].get("200", {}).get("content", {})
        for media_type in content.keys() - {JSON}:
            sender.prepare(described)
            response = sender.send(described, accept=media_type)
            shown = examples.of_content(content, media_type).splitlines(keepends=True)
            sent = response.text.splitlines(keepends=True)
            assert len(sent) == len(shown), (str(described), response.text)
            if media_type == "text/csv":
                assert sent[0] == shown[0], str(described)
                assert [cell.endswith("\r\n") for cell in sent] == [True] * len(sent)
            else:
                assert json.loads(sent[0]).keys() == json.loads(shown[0]).keys()


def test_examples_of_optional_parameters_are_accepted(api: SignedApi, examples: Examples) -> None:
    sender = Sender(api, examples)
    for described in examples.operations():
        optional = [p["name"] for p in examples.parameters(described) if not p.get("required")]
        sender.prepare(described)
        for name in optional:
            if name in NO_EXAMPLE:
                continue
            if described.method != "get":
                sender.prepare(described)
            response = sender.send(described, others=[name])
            refused = name == REFUSED_IN_THE_PAST and response.status_code == 412
            answered = response.is_success or response.status_code == 304
            assert answered or refused, (str(described), name, response.text)


def test_problems_are_answered_as_shown(api: SignedApi, examples: Examples) -> None:
    importer, stranger = api.machine("importer", *SCOPES), api.machine("stranger", "other")
    importer.post("/parts", json={"id": 1, "name": "a"})
    key = {"Idempotency-Key": '"one"'}
    importer.post("/parts", json={"name": "b"}, headers=key)
    answers = {
        "BadRequest": importer.get("/parts?page=first"),
        "Unauthorized": httpx.get(f"{api.url}/parts"),
        "Forbidden": stranger.get("/parts"),
        "NotFound": importer.get("/parts/999"),
        "NotAcceptable": importer.get("/parts/1", headers={"Accept": "text/html"}),
        "Conflict": importer.post("/parts", json={"id": 1, "name": "c"}),
        "PreconditionFailed": importer.put(
            "/parts/1", json={"name": "d"}, headers={"If-Match": '"1.x"'}
        ),
        "ContentTooLarge": importer.post("/parts", json={"name": "x" * 2**20}),
        "UnsupportedMediaType": importer.post(
            "/parts", content=b"a", headers={"Content-Type": "text/plain"}
        ),
        "KeyUsed": importer.post("/parts", json={"name": "e"}, headers=key),
    }
    for name, response in answers.items():
        shown = problem_example(name)
        assert response.json() | {"instance": "", "request_id": ""} == shown | {
            "instance": "",
            "request_id": "",
        }, name
    responses = examples.document["components"]["responses"]
    for name, response in responses.items():
        if "content" in response:
            error = name.partition(".")[0].removesuffix("OrInProgress")
            assert response["content"][PROBLEM]["example"] == problem_example(error), name


def assert_as_shown(examples: Examples, described: Described, response: httpx.Response) -> None:
    """Check a response against the example of its status, but for what varies."""
    shown = examples.resolve(described.operation["responses"][str(response.status_code)])
    if JSON not in shown.get("content", {}):
        assert not response.content, str(described)
        return
    expected = examples.of_content(shown["content"], JSON)
    decided = DECIDED if described.path.startswith("/approvals") else set()
    if described.path.endswith("/upload"):
        decided = {"line", "id"}  # A header is a line; ids are not given twice.
    answer = response.json()
    if described.path == "/timesheets" and described.method == "post":
        answer.pop("message")  # Of Auth0's sample, beside the row.
    assert masked(answer, decided) == masked(expected, decided), str(described)


def masked(value: Any, decided: set[str]) -> Any:
    """Return a JSON value without the values that vary, and with all of its names."""
    if isinstance(value, list):
        return [masked(item, decided) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: None if name in VARYING | decided else masked(member, decided)
        for name, member in value.items()
    }
