"""When an application has a batch, at which path, and which options are rejected."""

from typing import Any

import pytest
from fastapi import FastAPI

from encore import BatchOptions, ConfigurationError, Crud, open_database
from encore.database.protocol import Database
from tests.batch.conftest import BatchApi
from tests.fixtures.library_models import Tag, User
from tests.fixtures.openapi import resolved


@pytest.fixture
def database() -> Database:
    return open_database("sqlite:///unopened.sqlite")


def paths(app: FastAPI) -> set[str]:
    return {getattr(route, "path", "") for route in app.routes}


def crud_of(database: Database, app: FastAPI | None = None, **options: Any) -> Crud:
    return Crud(app or FastAPI(), database, gate=None, **options)


def test_batch_is_added_with_the_first_route_that_writes(database: Database) -> None:
    crud = crud_of(database, app := FastAPI(), base="/v1", batch="/many")
    crud.resource(User, actions=("list", "read"))
    assert "/v1/many" not in paths(app)
    crud.resource(Tag)
    assert "/v1/many" in paths(app)


def test_batch_can_be_left_out(database: Database) -> None:
    crud = crud_of(database, app := FastAPI(), batch=False)
    crud.resource(User, endpoints=("/batch", "/batch/{id}"))
    assert paths(app) >= {"/batch", "/batch/{id}"}


@pytest.mark.parametrize("actions", [("list", "create"), ("list",)])
@pytest.mark.parametrize("first", [True, False])
def test_resource_at_the_path_of_the_batch_is_rejected(
    database: Database, actions: tuple[str, ...], *, first: bool
) -> None:
    crud = crud_of(database)
    if not first:
        crud.resource(Tag)
    with pytest.raises(ConfigurationError, match=r"User.*batch=False.*batch='/another'"):  # noqa: PT012
        crud.resource(User, endpoints=("/batch", "/batch/{id}"), actions=actions)
        crud.resource(Tag, endpoints=("/labels", "/labels/{id}"))


def test_route_of_the_application_at_the_path_is_rejected(database: Database) -> None:
    app = FastAPI()
    app.add_api_route("/batch", lambda: None, methods=["GET"])
    with pytest.raises(ConfigurationError, match="a route of the application's own"):
        crud_of(database, app).resource(User)


def test_second_crud_with_the_same_path_is_rejected(database: Database) -> None:
    crud_of(database, app := FastAPI()).resource(User)
    with pytest.raises(ConfigurationError, match="batch of another Crud"):
        crud_of(database, app).resource(Tag)
    crud_of(database, app, batch=False).resource(Tag, endpoints=("/labels", "/labels/{id}"))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ("batch", "must begin with /"),
        ("/batch/{id}", "no parameters"),
        ("/a b", "not a path"),
        (7, "must be True, False, a path or BatchOptions"),
        (BatchOptions(path=None), "path must be a string"),  # type: ignore[arg-type] # the mistake
        (BatchOptions(max_operations=0), "max_operations"),
        (BatchOptions(body_limit=True), "body_limit"),
        (BatchOptions(seconds=0), "seconds"),
        (BatchOptions(seconds=float("inf")), "seconds"),
    ],
)
def test_invalid_option_is_rejected(database: Database, batch: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        crud_of(database, batch=batch)


def test_example_of_the_document_works(bare: BatchApi) -> None:
    bare.crud.resource(User)
    document = resolved(bare.app.openapi())["paths"]["/batch"]["post"]
    body = document["requestBody"]["content"]["application/json"]
    response = bare.post("/batch", body["example"])
    assert [result["status"] for result in response.json()["results"]] == [201, 200]
    assert {"400", "403", "404", "409", "412", "422", "503"} <= set(document["responses"])
