"""``POST /tools/1/revert``: writes the values of an older version by the resource's update."""

from typing import Any

import pytest

from encore import Context
from encore.errors import ApiError, Forbidden
from encore.execution.context import Response
from tests.fixtures.history_models import HistoryBase, Tool
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history
from tests.history.test_as_of import at_last_change


def test_revert_writes_the_old_values_as_a_new_version(api: ModelApi) -> None:
    api.create("/tools", name="saw", price=1, secret="s")
    api.put("/tools/1", {"name": "axe", "price": None, "secret": "t"})
    created, _ = history(api, "/tools/1")
    response = api.post("/tools/1/revert", {"sequence": created["sequence"]})
    assert response.status_code == 200
    row = response.json()
    assert (row["name"], row["price"], row["secret"]) == ("saw", 1, "t")
    assert api.get("/tools/1").json() == row
    reverted = history(api, "/tools/1")[-1]
    assert reverted["operation"] == "revert"
    assert reverted["changes"]["name"] == {"before": "axe", "after": "saw"}


def test_revert_has_dry_runs_and_responses_without_a_body(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    api.put("/tools/1", {"name": "axe"})
    created, _ = history(api, "/tools/1")
    body, minimal = {"sequence": created["sequence"]}, {"Prefer": "return=minimal"}
    dry = api.post("/tools/1/revert?dry_run=true", body)
    assert (dry.status_code, dry.json()["name"], dry.headers["dry-run"]) == (200, "saw", "true")
    assert api.read("/tools/1")["name"] == "axe"
    assert len(history(api, "/tools/1")) == 2
    done = api.post("/tools/1/revert", body, headers=minimal)
    assert (done.status_code, done.content) == (204, b"")
    assert api.read("/tools/1")["name"] == "saw"


def test_revert_to_a_time_counts_the_version_forward(api: ModelApi) -> None:
    api.create("/notes", language="en", number=1, text="one")
    at = at_last_change(api, "/notes/en/1")
    api.put("/notes/en/1", {"text": "two"})
    row = api.post("/notes/en/1/revert", {"as_of": at}).json()
    assert (row["text"], row["version"]) == ("one", 3)


def test_revert_to_the_present_version_writes_nothing(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    (created,) = history(api, "/tools/1")
    assert api.post("/tools/1/revert", {"sequence": created["sequence"]}).status_code == 200
    assert history(api, "/tools/1") == [created]


def test_revert_runs_the_hooks_of_update_and_of_read(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw")
    api.put("/tools/1", {"name": "axe"})
    first, second = history(api, "/tools/1")

    @tools.update.write.before
    def stamp(context: Context) -> None:
        if context.attributes.get("name") == "saw":
            context.attributes["secret"] = "stamped"

    row = api.post("/tools/1/revert", {"sequence": first["sequence"]}).json()
    assert (row["name"], row["secret"]) == ("saw", "stamped")

    @tools.read.auth.before
    def reject(_: Context) -> None:
        raise Forbidden("not you")

    response = api.post("/tools/1/revert", {"sequence": second["sequence"]})
    assert response.status_code == 403


def test_revert_that_breaks_a_constraint_changes_nothing(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    api.put("/tools/1", {"name": "axe"})
    api.create("/tools", name="saw")
    first, _ = history(api, "/tools/1")
    response = api.post("/tools/1/revert", {"sequence": first["sequence"]})
    assert_field_errors(response, 409, "name")
    assert len(history(api, "/tools/1")) == 2


def test_deleted_row_cannot_be_reverted(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    (created,) = history(api, "/tools/1")
    api.delete("/tools/1")
    response = api.post("/tools/1/revert", {"sequence": created["sequence"]})
    assert response.status_code == 409
    assert "deleted" in response.json()["detail"]
    assert api.post("/tools/9/revert", {"sequence": 1}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"sequence": "1"}, {"sequence": True}, {"sequence": -1}, {"sequence": 10**30}, {"x": 1}],
)
def test_invalid_body_of_revert_is_rejected(api: ModelApi, body: dict[str, Any]) -> None:
    api.create("/tools", name="saw")
    response = api.post("/tools/1/revert", body)
    assert response.status_code == 400
    assert response.json()["errors"]


def test_unknown_version_is_rejected(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    api.create("/tools", name="axe")
    other = history(api, "/tools/2")[0]["sequence"]
    for sequence in (other, 2**62):
        assert_field_errors(api.post("/tools/1/revert", {"sequence": sequence}), 400, "sequence")
    for text in ("x", "2999-01-01T00:00:00Z"):
        response = api.post("/tools/1/revert", {"as_of": text})
        assert_field_errors(response, 400, "as_of")
        assert response.json()["type"].endswith(":validation-failed")  # Not of the query.
    early = api.post("/tools/1/revert", {"as_of": "2020-01-01T00:00:00Z"})
    assert early.status_code == 410


def test_revert_whose_error_is_formatted_by_a_hook_changes_nothing(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw")
    api.put("/tools/1", {"name": "axe"})
    first, _ = history(api, "/tools/1")

    @tools.update.write.after
    def fail(_: Context) -> None:
        raise Forbidden("after the write")

    @tools.update.on_error
    def format_error(_: Context, __: ApiError) -> Response:
        return Response(418, [], b"short and stout")

    response = api.post("/tools/1/revert", {"sequence": first["sequence"]})
    assert (response.status_code, response.text) == (418, "short and stout")
    assert api.get("/tools/1").json()["name"] == "axe"
    assert len(history(api, "/tools/1")) == 2


def test_preconditions_of_revert_are_judged_on_the_row(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Tool, history=True, require_match=True)
    api.create("/tools", name="saw")
    tag = api.get("/tools/1").headers["etag"]
    assert api.put("/tools/1", {"name": "axe"}, headers={"If-Match": tag}).status_code == 200
    body = {"sequence": history(api, "/tools/1")[0]["sequence"]}
    assert api.post("/tools/1/revert", body).status_code == 428
    assert api.post("/tools/1/revert", body, headers={"If-Match": tag}).status_code == 412
    assert api.get("/tools/1").json()["name"] == "axe"
    tag = api.get("/tools/1").headers["etag"]
    response = api.post("/tools/1/revert", body, headers={"If-Match": tag})
    assert response.status_code == 200
    assert response.headers["etag"].partition(".")[0] != tag.partition(".")[0]
    assert len(history(api, "/tools/1")) == 3


def test_minimal_response_of_revert_is_that_of_update(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    api.put("/tools/1", {"name": "axe"})
    body = {"sequence": history(api, "/tools/1")[0]["sequence"]}
    response = api.post("/tools/1/revert", body, headers={"Prefer": "return=minimal"})
    assert response.status_code == 204
    assert response.headers["preference-applied"] == "return=minimal"
