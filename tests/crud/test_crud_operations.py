"""Operations of a service's own: they have the hooks and the transaction of the generated ones."""

from typing import Any

import pytest
from sqlalchemy import select, update

from api.crud.execution.actions import Action
from api.crud.execution.context import Context
from api.crud.execution.hooks import ActionHooks
from api.errors import BadRequest, Conflict
from api.http.exchange import Access
from tests.crud.conftest import Api
from tests.crud.library import User


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
        refused_as="update",
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
