"""Bulk writes, upserts, and repeated requests leave the entries that they should."""

from encore import Access
from encore import metadata as library_metadata
from tests.fixtures.history_models import HistoryBase, Maker, Note, Tool
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history
from tests.history.test_as_of import at_last_change
from tests.history.test_write_paths import operations, subjects


def bulk(serve: Serve) -> ModelApi:
    api = serve(HistoryBase.metadata)
    for model in (Maker, Tool, Note):
        api.crud.resource(model, history=True, bulk=True, upsert=True)
    for name in ("a", "b", "c"):
        api.create("/makers", name=name)
    return api


def test_rows_that_a_filter_changes_and_deletes_are_recorded(serve: Serve) -> None:
    api = bulk(serve)
    response = api.request("PATCH", "/makers?id__lte=2", json={"name": "new"})
    assert response.status_code == 200, response.text
    assert api.request("DELETE", "/makers?id=2").status_code == 200
    assert operations(api, "/makers/1") == ["create", "update"]
    assert operations(api, "/makers/2") == ["create", "update", "delete"]
    assert operations(api, "/makers/3") == ["create"]
    assert subjects(api, "/makers/2") == {"tester"}
    one, two = (history(api, f"/makers/{number}")[1] for number in (1, 2))
    assert (one["at"], one["requestId"]) == (two["at"], two["requestId"])


def test_past_rows_cannot_be_changed_by_a_filter(serve: Serve) -> None:
    api = bulk(serve)
    at = at_last_change(api, "/makers/3")
    response = api.request("DELETE", "/makers", params={"id": 1, "as_of": at})
    assert_field_errors(response, 400, "as_of")


def test_upsert_records_what_it_changes(serve: Serve) -> None:
    api = bulk(serve)
    api.create("/tools", name="saw", price=1)
    body = {"name": "saw", "price": 2}
    response = api.post("/tools", body, params={"on_conflict": "merge", "on": "name"})
    assert response.status_code == 200, response.text
    assert operations(api, "/tools/1") == ["create", "update"]


def test_revert_with_an_idempotency_key_is_carried_out_once(serve: Serve) -> None:
    api = serve(HistoryBase.metadata, [library_metadata.create_all])
    api.crud.resource(Maker, history=True)
    api.create("/makers", name="one")
    api.put("/makers/1", {"name": "two"})
    first = history(api, "/makers/1")[0]["sequence"]
    headers = {"Idempotency-Key": "once"}
    responses = [
        api.post("/makers/1/revert", {"sequence": first}, headers=headers) for _ in range(2)
    ]
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[1].headers["idempotency-replayed"] == "true"
    assert responses[0].content == responses[1].content
    assert operations(api, "/makers/1") == ["create", "update", "revert"]
    assert api.get("/makers/1/history", headers=headers).status_code == 400


def test_failed_revert_with_a_key_may_be_sent_again(serve: Serve) -> None:
    api = serve(HistoryBase.metadata, [library_metadata.create_all])
    api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw")
    api.put("/tools/1", {"name": "axe"})
    other = api.create("/tools", name="saw")["id"]
    first = history(api, "/tools/1")[0]["sequence"]
    headers = {"Idempotency-Key": "again"}
    body = {"sequence": first}
    assert api.post("/tools/1/revert", body, headers=headers).status_code == 409
    api.delete(f"/tools/{other}")
    assert api.post("/tools/1/revert", body, headers=headers).status_code == 200
    assert operations(api, "/tools/1") == ["create", "update", "revert"]


def test_operations_of_a_batch_are_one_instant_of_the_history(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=True, access={"all": Access()})
    api.create("/makers", name="one")
    first = history(api, "/makers/1")[0]["sequence"]
    operations_of_batch = [
        {"method": "PATCH", "path": "/makers/1", "body": {"name": "two"}},
        {"method": "POST", "path": "/makers/1/revert", "body": {"sequence": first}},
        {"method": "POST", "path": "/makers", "body": {"name": "other"}},
        {"method": "GET", "path": "/makers/1/history"},
    ]
    response = api.post("/batch", {"operations": operations_of_batch})
    assert response.status_code == 200, response.text
    listed = response.json()["results"][3]["body"]
    assert [entry["operation"] for entry in listed] == ["revert", "update", "create"]
    assert history(api, "/makers/1")[::-1] == listed
    (created,) = history(api, "/makers/2")
    assert {entry["at"] for entry in listed[:2]} == {created["at"]}
    assert {entry["requestId"] for entry in listed[:2]} == {created["requestId"]}
    assert created["subject"] == "tester"


def test_failed_batch_leaves_no_entries(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=True, access={"all": Access()})
    api.create("/makers", name="one")
    failing = [
        {"method": "PATCH", "path": "/makers/1", "body": {"name": "two"}},
        {"method": "POST", "path": "/makers/1/revert", "body": {"sequence": 2**40}},
    ]
    assert api.post("/batch", {"operations": failing}).status_code == 400
    assert operations(api, "/makers/1") == ["create"]


def test_rows_of_arrays_are_recorded(serve: Serve) -> None:
    api = bulk(serve)
    rows = [{"language": "en", "number": n, "text": "one"} for n in (1, 2)]
    assert api.post("/notes", rows).status_code < 300, "an array creates rows"
    changes = [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]
    response = api.request("PATCH", "/makers", json=changes)
    assert response.status_code == 200, response.text
    assert operations(api, "/notes/en/1") == operations(api, "/notes/en/2") == ["create"]
    assert operations(api, "/makers/1") == operations(api, "/makers/2") == ["create", "update"]
    assert history(api, "/makers/2")[1]["changes"]["name"] == {"before": "b", "after": "y"}
    assert subjects(api, "/notes/en/2") == {"tester"}
