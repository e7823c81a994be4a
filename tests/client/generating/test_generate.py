"""``python -m client generate``: modules that type checkers accept, from any description."""

import asyncio
import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from api.app import create_service
from api.settings import ApiSettings
from client.generating.module import generate_module
from tests.client.generating.typed_program import use_async_client, use_client

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "client/models.py"
DESCRIPTION = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": {}}
TEXT = {"type": "string"}


def load(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resource(path: str, row: Any, **bodies: Any) -> dict[str, Any]:
    """Return the paths of a resource."""
    listed = {"content": {"application/json": {"schema": {"type": "array", "items": row}}}}
    operations: dict[str, Any] = {"get": {"responses": {"200": listed}}}
    for method, body in bodies.items():
        content = {"application/json": {"schema": body}}
        operations[method] = {"requestBody": {"content": content}, "responses": {}}
    return {path: operations}


def description(
    paths: dict[str, Any], schemas: dict[str, Any] | None = None, title: str = "Shop"
) -> dict[str, Any]:
    info = {"title": title, "version": "1"}
    return DESCRIPTION | {"info": info, "paths": paths, "components": {"schemas": schemas or {}}}


def test_shipped_module_is_that_of_the_shipped_service(run: Any, tmp_path: Path) -> None:
    settings = ApiSettings.parse({"ISSUER": "https://issuer.example/", "AUDIENCE": "api"})
    (tmp_path / "openapi.json").write_text(json.dumps(create_service(settings).openapi()))
    result = run("generate", "openapi.json", "--output", str(MODELS), "--check")
    assert (result.code, result.err) == (0, ""), "make models writes client/models.py"


def hostile_description() -> dict[str, Any]:
    """Return a description with names and texts that Python cannot have, or reads otherwise."""
    names = ('a"b', "class", "__x", "\ufb01", "a\nb", "list", "Any", "", "self", "\u2028", "\\")
    members = dict.fromkeys(names, TEXT)
    schemas = {
        "list": {"type": "object", "properties": {"list": {"type": "array", "items": TEXT}}},
        "a/b c": {"type": "object", "properties": members, "description": 'a """ b \\'},
        "a-b c": {"type": "object", "properties": {"x": {"$ref": "#/components/schemas/a~1b c"}}},
        "Tree": {
            "type": "object",
            "properties": {
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
                "odd": {"enum": ["'", '"', "\\", "\n", None, 1, True]},
                "float": {"enum": [1.5]},
            },
        },
    }
    paths: dict[str, Any] = {}
    for number, path in enumerate(
        ["/list", "/property", "/batch", "/Tree", "/a b", "/a_b", "/1", "/class", "/'\"\\", "/ä"]
    ):
        name = list(schemas)[number % len(schemas)].replace("/", "~1")
        reference = {"$ref": f"#/components/schemas/{name}"}
        paths |= resource(path, reference, post=reference)
        paths |= resource(f"{path}/{{self}}/{{Resource}}/x", reference)
    return description(paths, schemas, title='"""\\ 1 \n class')


def test_hostile_description_becomes_a_module_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "hostile.py"
    path.write_text(generate_module(hostile_description()))
    module = load(path)
    (client_class,) = (value for name, value in vars(module).items() if name == "_1ClassClient")
    client = client_class("http://localhost:1")
    names = [name for name in vars(client_class) if isinstance(vars(client_class)[name], property)]
    paths = {getattr(client, name).path for name in names}
    assert paths == {
        *("/list", "/property", "/batch", "/Tree", "/a%20b", "/a_b", "/1", "/class"),
        *("/'%22%5C", "/%C3%A4"),
    }


def test_types_of_schemas(tmp_path: Path) -> None:
    row = {
        "type": "object",
        "required": ["id", "kind"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "kind": {"enum": ["a", "b"]},
            "nullable": {"type": ["string", "null"]},
            "old": {"type": "string", "nullable": True},
            "any": {"anyOf": [{"type": "number"}, {"type": "integer"}, {"type": "null"}]},
            "tags": {"type": "array", "items": TEXT},
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            "free": {},
            "secret": {"type": "string", "writeOnly": True},
            "at": {"type": "string", "format": "date-time"},
            "owner": {"allOf": [{"$ref": "#/components/schemas/Person"}], "description": "x"},
            "one": {"const": 1},
            "inner": {"type": "object", "properties": {"x": {"type": "boolean"}}},
        },
    }
    person = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}
    schemas = {"Thing": row, "Person": person}
    reference = {"$ref": "#/components/schemas/Thing"}
    path = tmp_path / "things.py"
    text = generate_module(description(resource("/things", reference, post=reference), schemas))
    path.write_text(text)
    assert "class Thing(TypedDict):\n    id: int\n    kind: Literal['a', 'b']\n" in text
    for line in (
        "nullable: NotRequired[str | None]",
        "old: NotRequired[str | None]",
        "any: NotRequired[float | None]",
        "tags: NotRequired[list[str]]",
        "map: NotRequired[dict[str, int]]",
        "free: NotRequired[Any]",
        "at: NotRequired[str]",
        "owner: NotRequired[ThingOwner]",
        "one: NotRequired[Literal[1]]",
        "inner: NotRequired[ThingInner]",
    ):
        assert f"    {line}\n" in text
    module = load(path)
    assert "secret" not in module.Thing.__annotations__
    assert set(module.Thing2.__annotations__) == set(row["properties"]) - {"id"}
    assert "Resource[Thing, Thing2, Never]" in text


def test_resources_of_paths(tmp_path: Path) -> None:
    row = {"type": "object", "properties": {"id": {"type": "integer"}}}
    paths = resource("/v1/parts", row) | resource("/v1/parts/{part_id}/notes/", row)
    paths["/v1/parts/{part_id}/notes/"]["parameters"] = [{"$ref": "#/components/parameters/a~1b"}]
    paths |= resource("/{tenant}/parts", row) | resource("/parts/{a}-{b}/x", row)
    paths |= {"/livez": {"get": {"responses": {"200": {"description": "ok"}}}}}
    path = tmp_path / "paths.py"
    document = description(paths)
    parameter = {"name": "part_id", "in": "path", "schema": {"type": "integer"}}
    document["components"]["parameters"] = {"a/b": parameter}
    path.write_text(generate_module(document))
    client = load(path).ShopClient("http://localhost:1")
    assert client.v1_parts.path == "/v1/parts"
    assert client.v1_parts_notes(3).path == "/v1/parts/3/notes"
    assert client.parts("a/b").path == "/a%2Fb/parts"
    assert "part_id: int)" in path.read_text()
    assert not hasattr(client, "livez")


def test_check_says_what_differs(run: Any, tmp_path: Path) -> None:
    row: dict[str, Any] = {"type": "object", "properties": {"name": TEXT}}
    source, output = tmp_path / "openapi.json", tmp_path / "shop.py"
    source.write_text(json.dumps(description(resource("/things", row))))
    arguments = ("generate", str(source), "--output", str(output))
    assert run(*arguments, "--check").code == 15
    assert run(*arguments).code == 0
    first = output.read_text()
    assert run(*arguments, "--check").code == 0
    assert run("generate", str(source)).out == first
    row["properties"]["size"] = {"type": "integer"}
    source.write_text(json.dumps(description(resource("/things", row))))
    result = run(*arguments, "--check")
    assert result.code == 15
    assert "+    size: NotRequired[int]" in result.err
    assert output.read_text() == first


def test_description_is_read_from_the_api(run: Any, api: Any) -> None:
    row = {"type": "object", "properties": {"name": TEXT}}
    for source, path in (
        (api.url, "/openapi.json"),
        (f"{api.url}/v1/openapi.json", None),
        ("", None),
    ):
        api.respond(200, description(resource("/things", row)))
        api.respond(200, description(resource("/things", row)))
        result = run("generate", *([source] if source else []), API_URL=f"{api.url}/v2")
        assert "class ShopClient(BaseClient)" in result.out
        assert path is None or api.requests[-1].path == path
        assert api.requests[-1].token == ""
    assert api.requests[-1].path == "/v2/openapi.json"


def test_closed_description_is_read_with_a_token(run: Any, api: Any) -> None:
    api.respond(401, {})
    api.respond(200, description(resource("/things", {"type": "object"})))
    assert run("generate", api.url).code == 0
    assert [bool(request.token) for request in api.requests] == [False, True]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("{", 1, "is not JSON"),
        ("[]", 9, "not a description"),
        ('{"openapi": "2.0", "paths": {}}', 9, "not a description"),
        ('{"swagger": "2.0", "paths": {}}', 9, "not a description"),
        ('{"openapi": "3.1.0", "paths": {}}', 9, "no resource"),
    ],
)
def test_what_is_no_description_is_refused(
    run: Any, tmp_path: Path, content: str, code: int, message: str
) -> None:
    (tmp_path / "x.json").write_text(content)
    result = run("generate", "x.json")
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_arguments_are_checked(run: Any, api: Any) -> None:
    assert run("generate", "missing.json").code in (1, 5)
    assert run("generate", "--check", api.url).code == 1
    assert run("generate", "--outptu", "x", api.url).code == 1
    api.respond(404, {})
    api.respond(404, {})
    assert run("generate", f"{api.url}/x").code == 7
    assert run("generate", "--help").out.startswith("usage: python -m client generate")


SELF: dict[str, Any] = {"$ref": "#/components/schemas/A"}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [SELF], "properties": {"a": TEXT}},
        {"anyOf": [SELF, {"type": "null"}]},
        {"type": "object", "additionalProperties": SELF},
        {"type": "array", "items": SELF},
        {"type": "object", "properties": {"a": {"type": "array", "items": SELF}}},
    ],
)
def test_schema_that_refers_to_itself_becomes_a_type(
    run: Any, tmp_path: Path, schema: dict[str, Any]
) -> None:
    document = description(resource("/a", SELF), {"A": schema})
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert run("generate", "x.json", "--output", str(tmp_path / "generated.py")).code == 0
    load(tmp_path / "generated.py")


@pytest.mark.parametrize("text", ["none", "true", "False", "a\0b", "\ud800", "\u202e", "\x1b[2J"])
def test_any_title_and_name_of_a_schema_becomes_a_module(
    run: Any, tmp_path: Path, text: str
) -> None:
    row = {"type": "object", "properties": {text: TEXT}, "description": text, "title": text}
    reference = {"$ref": f"#/components/schemas/{text}"}
    document = description(resource("/a", reference), {text: row}, text)
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert run("generate", "x.json", "--output", str(tmp_path / "generated.py")).code == 0
    load(tmp_path / "generated.py")


def test_description_that_no_module_can_express_is_refused(run: Any, tmp_path: Path) -> None:
    schema: dict[str, Any] = TEXT
    for _ in range(400):
        schema = {"type": "array", "items": schema}
    row = {"type": "object", "properties": {"a": schema}}
    (tmp_path / "x.json").write_text(json.dumps(description(resource("/a", row))))
    result = run("generate", "x.json")
    assert (result.code, result.out) == (9, "")


def test_path_that_leaves_the_api_is_no_resource(run: Any, tmp_path: Path) -> None:
    row = {"type": "object", "properties": {"a": TEXT}}
    (tmp_path / "x.json").write_text(json.dumps(description(resource("/a/../b", row))))
    assert ".." not in run("generate", "x.json").out


NAMES = [
    *("/a", "/a/{x}", "get", "post", "responses", "200", "content", "requestBody", "schema"),
    *("application/json", "type", "properties", "items", "$ref", "anyOf", "enum", "allOf"),
    *("required", "parameters", "in", "name", "additionalProperties"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=25,
)


@hypothesis.given(JSON, JSON, JSON)
@hypothesis.settings(max_examples=60)
def test_malformed_description_becomes_a_module_that_compiles(
    paths: Any, schemas: Any, schema: Any
) -> None:
    document = description({"/b": paths, "/c": schema, **resource("/a", {"type": "object"})})
    document["paths"]["/a"]["post"] = schemas
    document["components"] = schemas
    compile(generate_module(document), "generated", "exec")


def test_typed_clients_read_and_write_rows(api: Any) -> None:
    row = {"id": 1, "name": "x"}
    for answer in (row, [row], [row], row, row, [{"hours": 2.5}], [], row):
        api.respond(200, answer)
    assert use_client(api.url) == (row, 2.5)
    assert [f"{r.method} {r.path}" for r in api.requests] == [
        "GET /parts/1",
        "GET /parts?name=x&sort=-id",
        "GET /parts?count=10",
        "POST /parts",
        "PATCH /parts/1",
        "GET /timesheets/summary?by=project",
        "GET /timesheets/3/history",
        "GET /parts/1",
    ]
    api.respond(200, row)
    assert asyncio.run(use_async_client(api.url)) == row
