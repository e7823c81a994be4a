"""Components: shared once, never mixed up."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Integer
from sqlalchemy.orm import DeclarativeBase, mapped_column

from encore import Crud
from encore.database.factory import open_database
from encore.openapi.components import Components, ConflictingComponents
from tests.fixtures.library_models import Tag as TagModel

TEXT = {"type": "string"}
NUMBER = {"type": "number"}


def test_component_with_the_same_content_is_shared() -> None:
    components = Components()
    assert components.schema("A", TEXT) == components.schema("A", dict(TEXT))
    assert components.as_dict() == {"schemas": {"A": TEXT}}


def test_component_with_other_content_is_an_error() -> None:
    components = Components()
    components.header("A", TEXT)
    with pytest.raises(ConflictingComponents, match=r"components\.headers\.A"):
        components.header("A", NUMBER)
    components.parameter("A", NUMBER)  # Kinds are independent.


def test_names_of_owners_are_unique() -> None:
    components, one, other, third = Components(), object(), object(), object()
    assert [components.unique_name("Part", owner) for owner in (one, other, one)] == [
        "Part",
        "Part2",
        "Part",
    ]
    assert components.unique_name("Part", third, alternative="Old") == "Old"
    assert components.unique_name("Part", other, kind="tags") == "Part"


def test_adopted_schemas_are_renamed_where_they_differ() -> None:
    components = Components({"schemas": {"A": TEXT}})
    assert components.schema("A", NUMBER) == {"$ref": "#/components/schemas/A2"}
    schemas = {"A": TEXT, "A2": TEXT, "B": {"items": {"$ref": "#/components/schemas/A2"}}}
    operation = {"x": [{"$ref": "#/components/schemas/B"}, {"$ref": "#/components/schemas/A2"}]}
    adopted = components.adopt(schemas, operation)
    assert adopted["x"][1] == {"$ref": "#/components/schemas/A22"}
    assert components.as_dict()["schemas"]["B"]["items"] == adopted["x"][1]


class Tag(BaseModel):
    """A model of the application's own with the name of a resource's."""

    own: int


class Problem(BaseModel):
    own: int


def test_own_models_with_names_of_generated_schemas_keep_theirs() -> None:
    app = FastAPI()
    app.add_api_route("/own", lambda: None, response_model=Tag)
    app.add_api_route("/problem", lambda: None, response_model=Problem)
    Crud(app, open_database("sqlite:///unused.sqlite"), gate=None).resource(TagModel)
    document = app.openapi()
    schemas = document["components"]["schemas"]
    assert "own" in schemas["Tag"]["properties"]
    assert "own" in schemas["Problem"]["properties"]
    assert "label" in schemas["Tags"]["properties"]
    problem = document["components"]["responses"]["BadRequest"]["content"]
    assert problem["application/problem+json"]["schema"]["$ref"].endswith("/Problem2")


def _model(name: str) -> Any:
    base: Any = type("Base", (DeclarativeBase,), {})
    key = mapped_column(Integer, primary_key=True)
    body = {"__tablename__": name.lower(), "id": key, f"of_{name}": mapped_column(Integer)}
    return type(name, (base,), body)


@pytest.mark.parametrize(
    "names",
    [("Part", "PartCreate"), ("PartCreate", "Part"), ("Problem",), ("Part", "Part2", "PartUpdate")],
)
def test_models_called_like_other_schemas_have_schemas_of_their_own(names: tuple[str, ...]) -> None:
    app = FastAPI()
    crud = Crud(app, open_database("sqlite:///unused.sqlite"), gate=None)
    for name in names:
        crud.resource(_model(name))
    document = app.openapi()
    schemas = document["components"]["schemas"]
    for name in names:
        created = document["paths"][f"/{name.lower()}"]["post"]
        row = created["responses"]["201"]["content"]["application/json"]["schema"]
        body = created["requestBody"]["content"]["application/json"]["schema"]
        for schema in (row, body):
            reference = schema.get("$ref") or schema["anyOf"][0]["$ref"]
            assert f"of_{name}" in schemas[reference.rpartition("/")[2]]["properties"]
    assert "detail" in schemas["Problem"]["properties"]


def test_models_with_names_that_components_cannot_have_are_described() -> None:
    app = FastAPI()
    crud = Crud(app, open_database("sqlite:///unused.sqlite"), gate=None)
    for name in ("Größe", "名前"):
        crud.resource(_model(name))
    document = app.openapi()
    names = [name for kind in document["components"].values() for name in kind]
    assert "Gr_f6__df_e" in names
    assert "_540d__524d_Create" in names
    assert [name for name in names if not re.fullmatch(r"[a-zA-Z0-9._-]+", name)] == []


def test_hidden_key_is_in_no_example() -> None:
    app = FastAPI()
    crud = Crud(app, open_database("sqlite:///unused.sqlite"), gate=None)
    crud.resource(_model("Part"), exclude_attributes=["id"], actions=["list", "create"])
    document = app.openapi()
    json.dumps(document)
    parameters = document["components"]["parameters"]
    assert "example" not in parameters["Part.or"]
    assert "example" not in parameters["Part.not"]
