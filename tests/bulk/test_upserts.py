"""Upserts of an array: rows are looked up and written one by one, in one transaction."""

import asyncio
from typing import Any

import pytest

from encore.execution.context import Context
from tests.bulk.test_arrays import report_of
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Tag, User


def statuses(report: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(row["status"], row.get("id")) for row in report["rows"]]


@pytest.mark.parametrize("path", ["/tags", "/tags/bulk"])
def test_rows_are_created_or_changed(api: Api, path: str) -> None:
    api.crud.resource(Tag, upsert=True)
    api.create("/tags", id=7, label="b")
    rows = [{"label": "a", "id": 1}, {"label": "b"}, {"label": "a"}]
    report = report_of(api.post(f"{path}?on_conflict=merge&on=label", rows))
    assert statuses(report) == [("created", 1), ("updated", 7), ("updated", 1)]
    assert (report["created"], report["updated"]) == (1, 2)
    report = report_of(api.post(f"{path}?on_conflict=ignore&on=label", rows[1:]))
    assert statuses(report) == [("unchanged", 7), ("unchanged", 1)]
    assert len(api.rows(Tag)) == 2


def test_hooks_of_both_actions_run_for_each_row(api: Api) -> None:
    users = api.crud.resource(User, upsert=["email"])
    ran: list[str] = []
    users.create.write.before(lambda context: ran.append(f"create {context.attributes['email']}"))
    users.update.write.before(lambda context: context.attributes.update(age=9))
    api.create("/users", firstName="Ada", email="a")
    ran.clear()
    body = [{"firstName": "B", "email": "b"}, {"firstName": "A", "email": "a"}]
    headers = {"Prefer": "return=representation"}
    response = api.post("/users?on_conflict=merge", body, headers=headers)
    assert [(row["firstName"], row["age"]) for row in response.json()] == [("B", None), ("A", 9)]
    assert ran == ["create b", "create a"]


def test_invalid_row_undoes_all_unless_the_mode_is_partial(api: Api) -> None:
    api.crud.resource(User, upsert=True)
    api.create("/users", firstName="Ada", email="a")
    rows = [{"firstName": "C", "email": "a"}, {"email": "b"}, {"firstName": "B", "email": "b"}]
    path = "/users?on_conflict=merge&on=email"
    assert api.post(path, rows).status_code == 400
    assert [row["firstName"] for row in api.rows(User)] == ["Ada"]
    report = report_of(api.post(f"{path}&mode=partial", rows))
    assert [status for status, _ in statuses(report)] == ["updated", "rejected", "created"]
    assert [row["firstName"] for row in api.rows(User)] == ["C", "B"]


def test_hidden_row_is_a_conflict(api: Api) -> None:
    users = api.crud.resource(User, upsert=["email"])

    @users.update.start.before
    def own(context: Context) -> None:
        context.criteria["rank"] = 1

    api.create("/users", firstName="Other", email="a", rank=2)
    rows = [{"firstName": "A", "email": "x"}, {"firstName": "A", "email": "a"}]
    response = api.post("/users?on_conflict=merge", rows)
    assert_field_errors(response, 409, "email")
    assert len(api.rows(User)) == 1


def test_parameters_are_checked_for_the_whole_request(api: Api) -> None:
    api.crud.resource(Tag, upsert=True)
    api.crud.resource(User)
    rows = [{"label": "a"}]
    for query in ("on_conflict=x", "on_conflict=merge&on=zzz", "on=label"):
        assert api.post(f"/tags?{query}&mode=partial", rows).status_code == 400
    assert api.post("/users?on_conflict=merge", [{"firstName": "A"}]).status_code == 400
    dry = api.post("/tags?on_conflict=merge&dry_run=true", rows)
    assert (report_of(dry)["created"], dry.headers["dry-run"]) == (1, "true")
    assert api.rows(Tag) == []


def test_simultaneous_arrays_of_the_same_rows(api: Api) -> None:
    api.crud.resource(Tag, upsert=True)

    async def post_all() -> list[int]:
        rows = [{"label": f"t{n}"} for n in range(10)]
        path = "/tags?on_conflict=merge&on=label"
        responses = await asyncio.gather(*(api.call("POST", path, json=rows) for _ in range(4)))
        return [response.status_code for response in responses]

    assert api.run(post_all()) == [200] * 4
    assert len(api.rows(Tag)) == 10
