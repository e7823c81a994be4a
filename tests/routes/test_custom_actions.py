"""Custom actions: hooks, transactions, OpenAPI, and the checks of their arguments."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import select, update

from encore import Action, ConfigurationError, Crud, RowAction
from encore.database.factory import open_database
from encore.errors import BadRequest, Conflict
from encore.execution.context import Context
from encore.execution.hooks import ActionHooks
from encore.http.access import PUBLIC, Access
from encore.openapi.document import make_document
from tests.fixtures.library import Api
from tests.fixtures.library_models import User
from tests.fixtures.openapi import resolved


class Promote(Action):
    """Raise the rank of every user."""

    name = "promote"
    writes = True

    async def write(self, context: Context) -> None:
        """Change the rows, and return the users' names."""

        def change(session: Any) -> list[str]:
            session.execute(update(User).values(rank=User.rank + 1))
            return list(session.scalars(select(User.first_name).order_by(User.id)))

        context.instance = await context.orm(change)


def promoted(api: Api) -> ActionHooks:
    """Expose users and their promotion; return its hooks."""
    users = api.crud.resource(User)
    return api.crud.custom_action(
        action=Promote(users),
        method="POST",
        path="/promotion",
        access=Access(all_of=("library",)),
        error_responses_like="update",
        describe=lambda: {"summary": "Promote"},
    )


def test_custom_action_beside_generated_actions_runs(api: Api) -> None:
    promoted(api)
    api.create("/users", firstName="Ada", rank=1)
    response = api.post("/users/promotion")
    assert (response.status_code, response.json()) == (200, ["Ada"])
    assert api.read("/users/1")["rank"] == 2
    assert api.get("/users/promotion").status_code == 405


def test_custom_action_with_error_in_hook_rolls_back(api: Api) -> None:
    hooks = promoted(api)

    def refuse(context: Context) -> None:
        raise Conflict(f"{len(context.instance)} users stay as they are")

    hooks.write.after(refuse)
    api.create("/users", firstName="Ada", rank=1)
    response = api.post("/users/promotion")
    assert (response.status_code, response.json()["detail"]) == (409, "1 users stay as they are")
    assert api.read("/users/1")["rank"] == 1


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?x=1", 400)])
def test_custom_action_with_unknown_parameter_is_rejected(
    api: Api, query: str, status: int
) -> None:
    promoted(api)
    assert api.post(f"/users/promotion{query}").status_code == status


def test_hook_of_start_removes_member_from_body(api: Api) -> None:
    users = api.crud.resource(User)

    def look(context: Context) -> None:
        if context.request_body.pop("captcha", None) is None:
            names = ", ".join(context.request_body) or "nothing"
            raise BadRequest(f"captcha is missing among {names}")

    users.create.start.before(look)
    users.update.start.before(look)
    refused = api.post("/users", {"firstName": "Ada"})
    assert refused.json()["detail"] == "captcha is missing among firstName"
    assert "captcha" not in api.create("/users", firstName="Ada", captcha=7)
    assert api.put("/users/1").json()["detail"] == "captcha is missing among nothing"
    assert api.put("/users/1", {"captcha": 7}).status_code == 200


class Misspelt(Promote):
    async def fetsh(self, context: Context) -> None: ...


class Sync(Promote):
    def write(self, context: Context) -> None: ...  # type: ignore[override] # the mistake


class AsyncParse(Promote):
    async def parse_request(self, context: Context) -> None: ...  # type: ignore[override] # likewise


class Flag(Promote):
    write = True  # type: ignore[assignment] # likewise


class Unknown(Promote):
    wirtes = True


class Nameless(Action):
    async def write(self, context: Context) -> None: ...


class OfOne(RowAction):
    name = "of_one"


@dataclass(slots=True)
class GreetingContext(Context):
    greeting: str = ""


class Greet(Action[GreetingContext]):
    """Return the greeting that the body contains."""

    name = "greet"
    context_type = GreetingContext
    reads_body = True

    def parse_request(self, context: GreetingContext) -> None:
        context.greeting = context.request_body["greeting"]

    async def data(self, context: GreetingContext) -> None:
        context.instance = {"greeting": context.greeting}


class Contextless(Greet):
    context_type = Context  # type: ignore[assignment] # likewise


class WrongContext(Greet):
    context_type = dict  # type: ignore[assignment] # the mistake


class Helped(Promote):
    """Has members that are not stages, and are allowed."""

    LIMIT = 5

    def _help(self) -> None: ...


RIGHT = {"method": "POST", "path": "/promotion", "access": "library"}
WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (Misspelt, {}, "option action: Misspelt.fetsh would never be called: did you mean fetch"),
    (Sync, {}, "option action: Sync.write must be async"),
    (AsyncParse, {}, "option action: AsyncParse.parse_request must not be async"),
    (Flag, {}, "option action: Flag.write must be a method"),
    (Unknown, {}, "option action: Unknown.wirtes is not an attribute of an action"),
    (Nameless, {}, "option action: Nameless needs a name"),
    (lambda _: Promote, {}, "option action: must be an instance"),
    (Promote, {"method": "FETCH"}, "option method: must be one of GET"),
    (Promote, {"method": "post"}, "option method: must be one of GET"),
    (Promote, {"method": "GET"}, "option method: GET must not write"),
    (Promote, {"path": "promotion"}, "option path"),
    (Promote, {"path": "/:id/promotion"}, "option path"),
    (Promote, {"path": 5}, "option path: must be a string"),
    (Promote, {"access": None}, "option access: must be a scope"),
    (Promote, {"access": "read write"}, "option access: 'read write' is not a scope"),
    (Promote, {"access": ...}, "option access: is required"),
    (Promote, {"method": ...}, "option method: is required"),
    (
        Promote,
        {"error_responses_like": "promote"},
        "option error_responses_like: must be one of create",
    ),
    (Promote, {"describe": {}}, "option describe: must be a function"),
    (Promote, {"acess": "library"}, "option acess: is none of action, method, access"),
    (Promote, {"method": "POST", "path": ""}, "POST /users"),
    (OfOne, {}, "option path: must have the parameters {id}"),
    (Contextless, {}, "option action: Greet takes GreetingContext: set context_type ="),
    (WrongContext, {}, "option action: context_type must be Context or a subclass"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_custom_action_with_invalid_argument_stops_start(api: Api, number: int) -> None:
    action_type, changed, message = WRONG[number]
    described = {**RIGHT, **changed}
    described = {name: value for name, value in described.items() if value is not ...}
    users = api.crud.resource(User)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        api.crud.custom_action(action=action_type(users), **described)


def test_row_action_identifies_row_and_is_described(api: Api) -> None:
    users = api.crud.resource(User)
    path = {**RIGHT, "path": "/{id}/view", "method": "GET", "access": ["library"]}
    api.crud.custom_action(action=OfOne(users), **path)
    api.crud.custom_action(action=Helped(users), **RIGHT)
    api.create("/users", firstName="Ada")
    assert api.read("/users/1/view")["firstName"] == "Ada"
    assert api.get("/users/9/view").status_code == 404
    assert api.get("/users/x/view").status_code == 404
    schema = resolved(make_document(api.app))
    described = schema["paths"]["/users/{id}/view"]["get"]
    (parameter,) = described["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("id", "path", True)
    (own,) = [p for p in schema["paths"]["/users/{id}"]["get"]["parameters"] if p["in"] == "path"]
    assert parameter["schema"] == own["schema"]


def test_custom_action_with_own_context_passes_values_between_methods(api: Api) -> None:
    users = api.crud.resource(User)
    api.crud.custom_action(action=Greet(users), **RIGHT)
    assert api.post("/users/promotion", {"greeting": "hello"}).json() == {"greeting": "hello"}


def test_operation_is_deprecated_alias_of_custom_action(api: Api) -> None:
    users = api.crud.resource(User)
    with pytest.warns(DeprecationWarning, match="use Crud.custom_action"):
        api.crud.operation(action=Promote(users), **RIGHT)
    assert api.post("/users/promotion").status_code == 200


def test_given_is_deprecated_alias_of_request_body(api: Api) -> None:
    users = api.crud.resource(User)
    seen = []

    def look(context: Context) -> None:
        with pytest.warns(DeprecationWarning, match="use context.request_body"):
            seen.append(context.given)

    users.create.start.before(look)
    api.create("/users", firstName="Ada")
    assert seen == [{"firstName": "Ada"}]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"sumary": "Promote"}, "option describe: returns 'sumary', which is not an argument"),
        ({"path": "/other"}, "option describe: returns 'path'"),
        ([], "option describe: must return a mapping"),
        ({"summary": 5}, "option describe: summary must be a string"),
        ({"operation_id": ""}, "option describe: operation_id must be a string"),
    ],
)
def test_description_that_no_route_accepts_stops_the_start(described: Any, message: str) -> None:
    app = FastAPI()
    crud = Crud(app, open_database("sqlite:///unused.sqlite"), gate=None)
    users = crud.resource(User)
    options = {**RIGHT, "access": PUBLIC, "describe": lambda: described}
    crud.custom_action(action=Promote(users), **options)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        crud._check_declarations()


def test_action_that_is_not_in_the_schema_is_left_out_of_the_document(api: Api) -> None:
    users = api.crud.resource(User)
    described = {"include_in_schema": False}
    api.crud.custom_action(action=Promote(users), **RIGHT, describe=lambda: described)
    document = make_document(api.app)
    assert "/users/promotion" not in document["paths"]
    assert "/users" in document["paths"]


def test_arguments_of_fastapi_describe_the_action(api: Api) -> None:
    class Names(BaseModel):
        names: list[str]

    users = api.crud.resource(User)
    described = {
        "summary": "Promote",
        "operation_id": "promote_all",
        "response_model": Names,
        "responses": {409: {"description": "Nobody can be promoted"}},
        "openapi_extra": {"x-own": 1},
        "deprecated": True,
    }
    api.crud.custom_action(action=Promote(users), **RIGHT, describe=lambda: described)
    document = make_document(api.app)
    operation = document["paths"]["/users/promotion"]["post"]
    assert (operation["operationId"], operation["x-own"]) == ("promote_all", 1)
    assert operation["deprecated"] is True
    assert operation["responses"]["409"]["description"] == "Nobody can be promoted"
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Names"}
    assert "names" in document["components"]["schemas"]["Names"]["properties"]
