"""Operations of a service's own: they have the hooks and the transaction of the generated ones."""

import re
from typing import Any

import pytest
from fastapi.openapi.utils import get_openapi
from sqlalchemy import select, update

from encore import Action, ConfigurationError, RowAction
from encore.endpoints.endpoint import PipelineRoute
from encore.errors import BadRequest, Conflict
from encore.execution.context import Context
from encore.execution.hooks import ActionHooks
from encore.http.access import Access
from tests.fixtures.library import Api
from tests.fixtures.library_models import User


class Promote(Action):
    """Give every user a higher rank."""

    name = "promote"
    writes = True

    async def write(self, context: Context) -> None:
        """Change the rows, and give how they are called."""

        def change(session: Any) -> list[str]:
            session.execute(update(User).values(rank=User.rank + 1))
            return list(session.scalars(select(User.first_name).order_by(User.id)))

        context.instance = await context.orm(change)


def promoted(api: Api) -> ActionHooks:
    """Expose users and their promotion; give the hooks of it."""
    users = api.crud.resource(User)
    return api.crud.operation(
        action=Promote(users),
        method="POST",
        path="/promotion",
        access=Access(all_of=("library",)),
        error_responses_like="update",
        describe=lambda: {"summary": "Promote"},
    )


def test_it_runs_and_stands_beside_the_generated_ones(api: Api) -> None:
    promoted(api)
    api.made("/users", firstName="Ada", rank=1)
    response = api.post("/users/promotion")
    assert (response.status_code, response.json()) == (200, ["Ada"])
    assert api.read("/users/1")["rank"] == 2
    assert api.get("/users/promotion").status_code == 405


def test_its_hooks_run_and_an_error_in_them_undoes_all(api: Api) -> None:
    hooks = promoted(api)

    def refuse(context: Context) -> None:
        raise Conflict(f"{len(context.instance)} users stay as they are")

    hooks.write.after(refuse)
    api.made("/users", firstName="Ada", rank=1)
    response = api.post("/users/promotion")
    assert (response.status_code, response.json()["detail"]) == (409, "1 users stay as they are")
    assert api.read("/users/1")["rank"] == 1


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?x=1", 400)])
def test_it_reads_its_request_before_anything_else(api: Api, query: str, status: int) -> None:
    promoted(api)
    assert api.post(f"/users/promotion{query}").status_code == status


def test_a_hook_takes_members_of_its_own_out_of_the_body(api: Api) -> None:
    users = api.crud.resource(User)

    def look(context: Context) -> None:
        if context.given.pop("captcha", None) is None:
            raise BadRequest(f"captcha is missing among {', '.join(context.given) or 'nothing'}")

    users.create.start.before(look)
    users.update.start.before(look)
    refused = api.post("/users", {"firstName": "Ada"})
    assert refused.json()["detail"] == "captcha is missing among firstName"
    assert "captcha" not in api.made("/users", firstName="Ada", captcha=7)
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


class Helped(Promote):
    """Has members that are not phases, and are allowed."""

    LIMIT = 5

    def _help(self) -> None: ...


RIGHT = {"method": "POST", "path": "/promotion", "access": "library"}
WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (Misspelt, {}, "option action: Misspelt.fetsh is not a phase of an action: did you mean fetch"),
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
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_argument_of_an_operation_stops_the_start(api: Api, number: int) -> None:
    kind, changed, text = WRONG[number]
    described = {**RIGHT, **changed}
    described = {name: value for name, value in described.items() if value is not ...}
    users = api.crud.resource(User)
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        api.crud.operation(action=kind(users), **described)


def test_row_action_finds_its_row_and_is_described(api: Api) -> None:
    users = api.crud.resource(User)
    path = {**RIGHT, "path": "/{id}/view", "method": "GET", "access": ["library"]}
    api.crud.operation(action=OfOne(users), **path)
    api.crud.operation(action=Helped(users), **RIGHT)
    api.made("/users", firstName="Ada")
    assert api.read("/users/1/view")["firstName"] == "Ada"
    assert api.get("/users/9/view").status_code == 404
    assert api.get("/users/x/view").status_code == 404
    routes = [r.described for r in api.app.router.routes if isinstance(r, PipelineRoute)]
    schema = get_openapi(title="test", version="1", routes=routes)
    described = schema["paths"]["/users/{id}/view"]["get"]
    (parameter,) = described["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("id", "path", True)
    (own,) = [p for p in schema["paths"]["/users/{id}"]["get"]["parameters"] if p["in"] == "path"]
    assert parameter["schema"] == own["schema"]
