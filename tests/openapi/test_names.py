"""Names of resources and operations in the document."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import Action, ConfigurationError, Crud, Resource, RowAction
from encore.database.factory import open_database
from encore.execution.context import Context
from encore.http.access import PUBLIC
from encore.openapi.names import operation_id, path_words, with_article


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    """A shelf of the library.

    Not for the public.
    """

    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship()


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


class Person(Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)


class News(Base):
    __tablename__ = "news"

    id: Mapped[int] = mapped_column(primary_key=True)


class List(Base):
    __tablename__ = "list"

    id: Mapped[int] = mapped_column(primary_key=True)


class Sort(RowAction):
    """Sort the books of a shelf.

    Args:
        internal: Not for the public.
    """

    name = "sort"
    writes = True


class Undocumented(Action):
    name = "list"

    async def data(self, context: Context) -> None: ...


class Total(Undocumented):
    name = "total"


def crud(app: FastAPI, **options: Any) -> Crud:
    return Crud(app, open_database("sqlite:///unused.sqlite"), gate=None, **options)


def operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    described = app.openapi()["paths"]
    return {
        f"{method} {path}": operation
        for path, item in described.items()
        for method, operation in item.items()
    }


def ids(app: FastAPI) -> dict[str, str]:
    return {key: operation["operationId"] for key, operation in operations(app).items()}


def test_ids_of_a_resource_are_of_its_model_and_path() -> None:
    app = FastAPI()
    crud(app).resource(Shelf, associations=True)
    assert ids(app) == {
        "get /shelves": "list_shelves",
        "post /shelves": "create_shelf",
        "patch /shelves": "update_shelves",
        "delete /shelves": "delete_shelves",
        "post /shelves/bulk": "bulk_create_shelves",
        "get /shelves/{id}": "get_shelf",
        "put /shelves/{id}": "update_shelf",
        "patch /shelves/{id}": "patch_shelf",
        "delete /shelves/{id}": "delete_shelf",
        "get /shelves/{shelf_id}/books": "list_shelf_books",
        "get /shelves/{shelf_id}/books/{id}": "get_shelf_book",
        "post /batch": "run_batch",
    }
    assert app.openapi()["tags"][0] == {
        "name": "shelves",
        "description": "A shelf of the library.",
    }


@pytest.mark.parametrize(
    ("model", "options", "singular", "plural"),
    [
        (Shelf, {}, "shelf", "shelves"),
        (Person, {}, "person", "people"),
        (News, {}, "news", "news"),
        (List, {}, "list", "list"),
        (Shelf, {"endpoints": ("/wall-units", "/wall-units/{id}")}, "wall_unit", "wall_units"),
        (Shelf, {"endpoints": ("/rooms/boxes", "/rooms/boxes/{id}")}, "room_box", "room_boxes"),
        (Book, {"endpoints": ("/library/books", "/library/books/{id}")}, "library_book", None),
        (Book, {"endpoints": ("/stock", "/stock/{id}")}, "stock_entry", "stock"),
        (Book, {"singular": "volume", "plural": "printed works"}, "volume", "printed_works"),
        (Book, {"endpoints": ("/kästen", "/kästen/{id}")}, "kasten_entry", "kasten"),
    ],
)
def test_resource_is_named_in_ids(
    model: Any, options: dict[str, Any], singular: str, plural: str | None
) -> None:
    app = FastAPI()
    crud(app).resource(model, **options)
    plural = plural or f"{singular}s"
    many = plural if plural != singular else f"many_{plural}"
    described = set(ids(app).values())
    assert {f"list_{plural}", f"create_{singular}", f"get_{singular}"} < described
    assert {f"update_{singular}", f"patch_{singular}", f"delete_{singular}"} < described
    assert {f"bulk_create_{plural}", f"update_{many}", f"delete_{many}"} < described
    assert len(described) == len(ids(app))


def test_resources_of_several_bases_have_different_names() -> None:
    app = FastAPI()
    for base in ("/v1", "/v2"):
        crud(app, base=base).resource(Shelf)
    described = ids(app)
    assert (described["get /v1/shelves"], described["get /v2/shelves"]) == (
        "list_shelves",
        "list_v2_shelves",
    )
    assert described["get /v2/shelves/{id}"] == "get_v2_shelf"
    assert len(set(described.values())) == len(described)
    assert {"shelves", "v2 shelves"} < {tag["name"] for tag in app.openapi()["tags"]}


def test_resources_of_one_model_have_different_names() -> None:
    app = FastAPI()
    api = crud(app)
    api.resource(Shelf)
    api.resource(Shelf, endpoints=("/archive", "/archive/{id}"), description="Old shelves")
    assert {"list_shelves", "list_archive", "get_shelf", "get_archive_entry"} < {*ids(app).values()}
    assert {"name": "archive", "description": "Old shelves"} in app.openapi()["tags"]


def test_id_of_custom_action_is_its_name_and_resource() -> None:
    app = FastAPI()
    api = crud(app)
    shelves: Resource = api.resource(Shelf)
    for action, method, path in (
        (Sort(shelves), "POST", "/{id}/order"),
        (Undocumented(shelves), "GET", "/other"),
        (Total(shelves), "GET", "/total"),
    ):
        api.custom_action(action=action, method=method, path=path, access=PUBLIC)
    described = operations(app)
    sort = described["post /shelves/{id}/order"]
    assert (sort["operationId"], sort["summary"]) == ("sort_shelf", "Sort a shelf")
    assert sort["description"] == "Sort the books of a shelf."
    other = described["get /shelves/other"]
    assert (other["operationId"], "description" in other) == ("get_shelve_other", False)
    total = described["get /shelves/total"]
    assert (total["operationId"], total["summary"]) == ("get_shelf_total", "Get the shelf total")


def test_ids_of_own_routes_are_not_taken() -> None:
    app = FastAPI()
    app.add_api_route("/own", lambda: None, operation_id="list_shelves")
    crud(app).resource(Shelf)
    assert ids(app)["get /own"] == "list_shelves"
    assert ids(app)["get /shelves"] == "get_shelves"


@pytest.mark.parametrize(
    ("option", "value"), [("singular", "Shelf"), ("plural", "my_shelves"), ("description", 5)]
)
def test_invalid_name_stops_start(option: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"option {option}: must be"):
        crud(FastAPI()).resource(Shelf, **{option: value})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/parts", "parts"),
        ("/users/{user_id}/books", "user books"),
        ("/priceLists/{id}/HTTPHeaders", "price list http headers"),
        ("/{id}", ""),
        ("/addresses/categories/status", "address category status"),
    ],
)
def test_words_of_paths(path: str, words: str) -> None:
    assert path_words(path) == words


@pytest.mark.parametrize(
    ("noun", "with_its_article"),
    [("part", "a part"), ("entry", "an entry"), ("user", "a user"), ("upload", "an upload")],
)
def test_article_is_that_of_the_noun(noun: str, with_its_article: str) -> None:
    assert with_article(noun) == with_its_article


def test_operation_id_is_an_ascii_identifier() -> None:
    assert operation_id("list", "café x-rays 2") == "list_cafe_x_rays_2"
