"""The OpenAPI document of applications that are given resources."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from encore import Crud
from encore.database.factory import open_database
from encore.http.access import PUBLIC
from encore.http.application import Application
from tests.fixtures.library_models import Shelf, Tag

MAKERS: list[Callable[[], FastAPI]] = [
    lambda: FastAPI(title="Library", summary="Books"),
    lambda: Application(access={"/openapi.json": PUBLIC}, title="Library", summary="Books"),
]


def shelves(app: FastAPI) -> Crud:
    crud = Crud(app, open_database("sqlite:///unused.sqlite"), gate=None)
    crud.resource(Shelf)
    return crud


@pytest.mark.parametrize("make", MAKERS, ids=["FastAPI", "Application"])
def test_openapi_of_any_application_describes_its_resources(make: Callable[[], FastAPI]) -> None:
    app = make()
    crud = shelves(app)
    app.add_api_route("/own", lambda: None, methods=["GET"])
    document = app.openapi()
    paths = {"/shelves", "/shelves/bulk", "/shelves/{id}", "/batch", "/own"}
    assert set(document["paths"]) == paths
    assert set(document["paths"]["/shelves"]) == {"get", "post", "patch", "delete"}
    assert (document["info"]["title"], document["info"]["summary"]) == ("Library", "Books")
    assert app.openapi() is document
    crud.resource(Tag)  # The document is made again.
    assert "/tags" in app.openapi()["paths"]


def test_openapi_overridden_by_application_is_unchanged() -> None:
    app = FastAPI()

    def own() -> dict[str, Any]:
        return {"paths": {}}

    app.openapi = own  # type: ignore[method-assign] # FastAPI's documented way
    shelves(app)
    assert app.openapi is own
