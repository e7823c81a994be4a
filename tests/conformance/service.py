"""Encore's side: the resources of finale/server.js, without a gate.

``python -m tests.conformance.service`` serves them; DATABASE_URL, SERVER_PORT and the option
``compatible`` come from the environment. ``--sync`` creates the tables and exits.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, FastAPI
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server
from sqlalchemy import Connection

from encore import (
    AssociationOptions,
    Context,
    Crud,
    Include,
    SearchOptions,
    SortOptions,
    open_database,
    public,
)
from encore.database.engine import with_connection
from encore.database.protocol import Database
from encore.errors import Forbidden
from encore.http.application import Application
from tests.conformance.hooks import register_hooks, trace
from tests.conformance.models import Base, Book, Gadget, Item, Note, Part, Reading, Tag, User

COMPATIBLE: Final = "COMPATIBLE"
"""Environment variable with the value of the option ``compatible``; unset or empty for None."""


def create_schema(url: str) -> None:
    """Create the tables in an empty database."""

    def create(connection: Connection) -> None:
        Base.metadata.create_all(connection)
        connection.commit()

    with_connection(url, create)


def create_app(url: str) -> Application:
    """Create the application over a database."""
    database = open_database(url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        yield
        await database.close()

    app = Application(access={}, log_requests=False, openapi_url=None, lifespan=lifespan)
    router = APIRouter()

    @router.get("/trace")
    @public
    async def read_trace() -> list[str]:
        steps = trace.copy()
        trace.clear()
        return steps

    app.router.routes.extend(router.routes)
    _add_resources(app, database)
    return app


def _add_resources(app: Application, database: Database) -> None:
    compatible = os.environ.get(COMPATIBLE) or None
    crud = Crud(app, database, gate=None, compatible=compatible)
    crud.resource(Part)
    crud.resource(User, associations=True, presets={"adults": lambda: User.age >= 18})
    crud.resource(Book, associations=True)
    crud.resource(Tag, associations=True)
    crud.resource(
        User,
        endpoints=("/slim-users", "/slim-users/{id}"),
        associations=AssociationOptions(auto_populate=False),
    )
    crud.resource(
        Book,
        endpoints=("/slim-books", "/slim-books/{id}"),
        associations=AssociationOptions(
            remove_foreign_keys=True, exclude_attributes={"author": ["email"]}
        ),
        sort=SortOptions(param="order", attributes=("id", "author.username")),
    )
    crud.resource(
        Book,
        endpoints=("/included", "/included/{id}"),
        include=[Include("author", attributes=("id", "username"))],
        exclude_attributes={"own": ["pages"]},
        search=SearchOptions(attributes=("title", "$author.username$")),
    )
    _add_gadgets(crud)
    crud.resource(Item)
    crud.resource(Reading)
    _add_resources_with_hooks(crud)
    crud = Crud(app, database, base="/v1", update_method="PATCH", gate=None, compatible=compatible)
    crud.resource(Part)


def _add_gadgets(crud: Crud) -> None:
    crud.resource(
        Gadget,
        endpoints=("/gadgets", "/gadgets/{name}"),
        exclude_attributes=("secret",),
        read_only_attributes=("owner",),
        search=(
            SearchOptions("named", ("name",), override="STARTS_WITH"),
            SearchOptions("any", ("name", "kind")),
            SearchOptions("kind_is", ("kind",), operator="eq"),
            SearchOptions("ending", ("name",), operator="endswith"),
        ),
        sort=SortOptions(attributes=("name", "price"), default="-price"),
    )
    crud.resource(
        Gadget,
        endpoints=("/searched", "/searched/{id}"),
        search=(
            SearchOptions("over", ("price",), operator="gt"),
            SearchOptions("least", ("price",), operator="gte"),
            SearchOptions("without", ("name",), operator="notLike"),
            SearchOptions("other", ("kind",), operator="ne"),
            SearchOptions("begins", ("name",), operator="startsWith"),
        ),
    )
    crud.resource(
        Gadget, endpoints=("/unpaged", "/unpaged/{id}"), pagination=False, actions=("list",)
    )


def _add_resources_with_hooks(crud: Crud) -> None:
    register_hooks(crud.resource(Note))
    guarded = crud.resource(Note, endpoints=("/guarded", "/guarded/{id}"))

    @guarded.list.auth.before
    def refuse(_: Context) -> None:
        raise Forbidden

    shallow = crud.resource(User, endpoints=("/shallow", "/shallow/{id}"), associations=True)

    @shallow.all.start
    def embed_nothing(context: Context) -> None:
        context.shallow = True

    adding = crud.resource(User, endpoints=("/adding", "/adding/{id}"), associations=True)

    @adding.all.start
    def set_title(context: Context) -> None:
        context.add_to_children = {"title": "set by add_to_children"}


def main() -> None:
    """Serve until SIGTERM; with ``--sync``, create the tables and exit."""
    url = os.environ["DATABASE_URL"]
    if "--sync" in sys.argv:
        create_schema(url)
        return
    app = create_app(url)
    gc.collect()
    gc.freeze()
    Server(
        "tests.conformance.service:create_app",
        port=int(os.environ["SERVER_PORT"]),
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=lambda: app, wrap_loader=False)


if __name__ == "__main__":
    main()
