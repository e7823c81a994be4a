"""``Location``: it leads back to the row for keys of any text."""

import uuid
from enum import Enum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Context
from encore.errors import ConfigurationError
from encore.http.access import AUTHENTICATED
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import Serve


class Base(DeclarativeBase):
    pass


class Colour(Enum):
    RED = "dark red"
    ROW = ".."


class Tag(Base):
    __tablename__ = "tags"

    name: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    note: Mapped[str | None]


class Pair(Base):
    __tablename__ = "pairs"

    left: Mapped[str] = mapped_column(primary_key=True)
    right: Mapped[bool] = mapped_column(primary_key=True)


KINDS: dict[str, tuple[sa.types.TypeEngine[Any], list[Any]]] = {
    "flags": (sa.Boolean(), [True, False]),
    "days": (sa.Date(), ["2020-02-29"]),
    "instants": (sa.DateTime(), ["2020-02-29T12:30:00Z"]),
    "times": (sa.Time(), ["12:30:00"]),
    "ids": (sa.Uuid(), [str(uuid.UUID(int=7))]),
    "colours": (sa.Enum(Colour), ["RED", "ROW"]),
    "numbers": (sa.Integer(), [0, -7]),
}


def keyed(name: str, kind: sa.types.TypeEngine[Any]) -> Any:
    """A model whose one key has this type."""
    columns = {"key": mapped_column(kind, primary_key=True, autoincrement=False)}
    return type(
        name.title(),
        (Base,),
        {"__tablename__": name, **columns, "note": mapped_column(sa.String(20))},
    )


MODELS = {name: keyed(name, kind) for name, (kind, _) in KINDS.items()}

TEXTS = ["a b", "a/b", "/", "a%2Fb", "%", "ü", "?", "#", "a;b", "...", ".a", "True", "upload", "+"]


def test_location_of_string_key_leads_to_row(serve: Serve) -> None:
    api = serve(Base.metadata)
    tags = api.crud.resource(Tag)
    for name in TEXTS:
        created = api.post("/tags", {"name": name, "note": "x"})
        assert created.status_code == 201, created.text
        location = created.headers["location"]
        assert api.get(location).json()["name"] == name, location
        assert api.put(location, {"note": "y"}).json() == {"name": name, "note": "y"}
    for name in TEXTS:
        path = tags.location(Tag(name=name))
        assert path is not None
        assert api.delete(path.decode()).status_code == 200, name
    assert api.read("/tags") == []


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_key_invalid_in_a_path_is_rejected_on_create(serve: Serve, name: str) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Tag)
    assert_field_errors(api.post("/tags", {"name": name}), 400, "name")
    assert api.read("/tags") == []
    # A row of that key from elsewhere is not mistaken for the list, nor for another path.
    api.orm(lambda session: session.add(Tag(name=name)))
    assert isinstance(api.read("/tags/"), list)
    assert api.delete("/tags/").status_code == 400  # The collection, without a filter.


def test_key_set_by_hook_invalid_in_path_has_no_location(serve: Serve) -> None:
    api = serve(Base.metadata)
    tags = api.crud.resource(Tag)

    @tags.create.write.before
    def rename(context: Context) -> None:
        context.attributes["name"] = ".."

    created = api.post("/tags", {"name": "x"})
    assert (created.status_code, created.json()["name"]) == (201, "..")
    assert "location" not in created.headers


@pytest.mark.parametrize("name", KINDS)
def test_location_matches_path_parser(serve: Serve, name: str) -> None:
    api = serve(Base.metadata)
    api.crud.resource(MODELS[name])
    for value in KINDS[name][1]:
        created = api.post(f"/{name}", {"key": value, "note": "x"})
        assert created.status_code == 201, created.text
        found = api.get(created.headers["location"])
        assert (found.status_code, found.json()) == (200, created.json()), created.headers


def test_location_of_composite_key_leads_to_row(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Pair)
    created = api.post("/pairs", {"left": "{right}", "right": True})
    assert created.headers["location"] == "/pairs/%7Bright%7D/true"
    assert api.get(created.headers["location"]).status_code == 200
    assert_field_errors(api.post("/pairs", {"left": "..", "right": True}), 400, "left")


def test_literal_segments_of_the_path_are_encoded(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Tag, endpoints=("/größen", "/größen/{name}"))
    created = api.post("/größen", {"name": "x"})
    assert created.headers["location"] == "/gr%C3%B6%C3%9Fen/x"
    assert api.get(created.headers["location"]).status_code == 200


PATHS = {
    "/users/:id": "write {id} for ':id'",
    "/users/:id(\\d+)": "write {id}",
    "/users/{id:int}": "write {id}",
    "/users/{id:path}": "write {id}",
    "/users/<id>": "write {id}",
    "/users/<int:id>": "write {id}",
    "/users/[id]": "write {id}",
    "/users/*": "character",
    "/users/(.*)": "character",
    "/users//x": "empty segment",
    "/users/": "empty segment",
    "users": "must begin with /",
    "": "must begin with /",
    "/my users": "character",
    "/users?x=1": "character",
    "/users#x": "character",
    "/users%20": "character",
    "/users/..": "resolve",
    "/users/./x": "resolve",
    "/users/x{id}": "whole segment",
    "/users/{id}.json": "whole segment",
    "/users/{": "whole segment",
    "/users/{}": "whole segment",
    "/users/{id}/{id}": "twice",
    "/users\\x": "character",
    "/users\n": "character",
}


@pytest.mark.parametrize("path", PATHS)
def test_path_not_a_template_is_rejected(serve: Serve, path: str) -> None:
    api = serve(Base.metadata)
    for endpoints in ((path,), ("/tags", path), (path, "/tags/{name}")):
        with pytest.raises(ConfigurationError, match="endpoints") as refusal:
            api.crud.resource(Tag, endpoints=endpoints)
        assert PATHS[path] in str(refusal.value)


def test_upload_rejects_a_key_invalid_in_a_path(serve: Serve) -> None:
    api = serve(Base.metadata)
    places = api.crud.resource(Place, endpoints=("/places", "/places/{name}"))
    api.crud.upload(places, natural_key=["name"], access=AUTHENTICATED)
    rows = [{"name": "here"}, {"name": ".."}, {"name": ""}]
    report = api.post("/places/upload?mode=partial", rows).json()
    assert (report["created"], report["rejected"]) == (1, 2)
    assert report["rows"][1]["errors"][0]["field"] == "name"
    # The row called upload is read where only POST is an upload.
    api.post("/places", {"name": "upload"})
    assert api.read("/places/upload")["name"] == "upload"
    assert api.delete("/places/upload").status_code == 200


class Place(Base):
    __tablename__ = "places"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
