"""Our side: the resources of ../finale/compare.js on this service's engine, without a gate.

``python -m benchmarks.compare.service`` serves them as ``python -m api`` serves the catalog; the
database, the port and the option ``compatible`` come from the environment.
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

from benchmarks.compare.models import Book, Gadget, Item, Note, Part, Reading, Tag, User
from benchmarks.compare.schema import create_schema
from benchmarks.compare.trace import follow, trace
from encore import Crud, SearchOptions, SortOptions
from encore.database.factory import open_database
from encore.database.protocol import Database
from encore.errors.api import Forbidden
from encore.execution.context import Context
from encore.http.application import Application
from encore.http.request_state import public
from encore.options.include import Include
from encore.options.options import AssociationOptions

COMPATIBLE: Final = "COMPATIBLE"
"""The environment variable that holds the option of this name; empty for none."""


def create_app(url: str) -> Application:
    """Join the resources into an app over a database."""
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
    _expose(app, database)
    return app


def _expose(app: Application, database: Database) -> None:
    compatible = os.environ.get(COMPATIBLE) or None
    crud = Crud(app, database, gate=None, compatible=compatible)
    crud.resource(Part)
    crud.resource(User, associations=True, presets={"adults": lambda: User.age >= 18})  # noqa: PLR2004
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
    _expose_gadgets(crud)
    crud.resource(Item)
    crud.resource(Reading)
    _expose_hooked(crud)
    crud = Crud(app, database, base="/v1", update_method="PATCH", gate=None, compatible=compatible)
    crud.resource(Part)


def _expose_gadgets(crud: Crud) -> None:
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


def _expose_hooked(crud: Crud) -> None:
    follow(crud.resource(Note))
    guarded = crud.resource(Note, endpoints=("/guarded", "/guarded/{id}"))

    @guarded.list.auth.before
    def refuse(_: Context) -> None:
        raise Forbidden

    shallow = crud.resource(User, endpoints=("/shallow", "/shallow/{id}"), associations=True)

    @shallow.all.start
    def be_shallow(context: Context) -> None:
        context.shallow = True

    adding = crud.resource(User, endpoints=("/adding", "/adding/{id}"), associations=True)

    @adding.all.start
    def add(context: Context) -> None:
        context.add_to_children = {"title": "set by add_to_children"}


def main() -> None:
    """Serve until SIGTERM; with ``--sync``, only make the tables."""
    url = os.environ["DATABASE_URL"]
    if "--sync" in sys.argv:
        create_schema(url)
        return
    app = create_app(url)
    gc.collect()
    gc.freeze()
    Server(
        "benchmarks.compare.service:create_app",
        port=int(os.environ["SERVER_PORT"]),
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=lambda: app, wrap_loader=False)


if __name__ == "__main__":
    main()
