"""The results of rows (created, updated, unchanged, rejected) and their report."""

import sqlalchemy as sa

from tests.fixtures.upload_models import Delivery, Movement
from tests.fixtures.uploads import (
    NDJSON,
    DepotApi,
    assert_problem_type,
    delivery,
    ndjson,
    statuses,
)


def test_single_row_is_stored_and_returned_with_message(depot: DepotApi) -> None:
    response = depot.send(delivery(1))
    assert response.status_code == 201, response.text
    body = response.json()
    assert body["message"] == "Created delivery 1"
    assert response.headers["location"] == "/deliveries/1"
    assert (body["id"], body["goods"], body["weight"], body["rank"]) == (1, "tea", 2.5, 7)
    assert (body["madeBy"], body["status"], body["locked"]) == ("tester", "open", False)
    assert body["createdAt"] == body["updatedAt"]
    assert "secret" not in body


def test_report_lists_every_row(depot: DepotApi) -> None:
    report = depot.reported([delivery(1), delivery(2, weight=3)])
    assert report == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "mode": "atomic",
        "dry_run": False,
        "rows": [
            {"line": 1, "status": "created", "id": 1},
            {"line": 2, "status": "created", "id": 2},
        ],
    }
    assert [row["id"] for row in depot.rows(Delivery)] == [1, 2]


def test_rows_uploaded_again_are_unchanged_or_updated(depot: DepotApi) -> None:
    rows = [delivery(1), delivery(2)]
    assert statuses(depot.reported(rows)) == ["created", "created"]
    before = depot.rows(Delivery)
    assert statuses(depot.reported(ndjson(rows), NDJSON)) == ["unchanged", "unchanged"]
    assert depot.rows(Delivery) == before
    rows[1]["goods"] = "coffee"
    assert statuses(depot.reported(rows)) == ["unchanged", "updated"]
    assert [row["goods"] for row in depot.rows(Delivery)] == ["tea", "coffee"]


def test_row_updates_only_fields_with_values(depot: DepotApi) -> None:
    depot.send(delivery(1, remark="fragile!", arrival="2020-01-02T03:04:05Z", rank=3))
    depot.execute(sa.update(Delivery).values(kind="fragile", status="closed"))
    (before,) = depot.rows(Delivery)
    response = depot.send(delivery(1, weight=9), client="another")
    assert response.status_code == 200
    assert response.json()["message"] == "Updated delivery 1"
    (after,) = depot.rows(Delivery)
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"weight", "updatedAt"}


def test_row_with_null_updates_field_to_null(depot: DepotApi) -> None:
    depot.send(delivery(1, remark="fragile!"))
    assert statuses(depot.reported([delivery(1, remark=None)])) == ["updated"]
    assert depot.rows(Delivery)[0]["remark"] is None


def test_single_row_stored_already_is_unchanged(depot: DepotApi) -> None:
    depot.send(delivery(1))
    response = depot.send(delivery(1))
    assert response.status_code == 200
    assert response.json()["message"] == "Unchanged delivery 1"
    assert "location" not in response.headers


def test_rows_without_natural_key_are_always_created(depot: DepotApi) -> None:
    row = {"goods": "tea", "weight": 1}
    assert statuses(depot.reported([row, row, {**row, "origin": "harbour"}])) == ["created"] * 3
    assert statuses(depot.reported([row])) == ["created"]


def test_row_with_duplicate_natural_key_is_rejected(depot: DepotApi) -> None:
    report = depot.reported([delivery(1), delivery(2), delivery(1, weight=4)], mode="partial")
    assert statuses(report) == ["created", "created", "rejected"]
    assert report["rows"][2]["errors"] == [
        {"field": "number", "message": "origin and number must be unique: the same as in line 1"}
    ]


def test_partial_upload_writes_valid_rows(depot: DepotApi) -> None:
    rows = [delivery(1), delivery(2, weight=101), delivery(3, goods=None), "x", delivery(4)]
    report = depot.reported(rows, mode="partial")
    assert (report["created"], report["rejected"]) == (2, 3)
    assert [row.get("errors") for row in report["rows"]] == [
        None,
        [{"field": "weight", "message": "weight must be more than 0 and at most 100, not 101"}],
        [{"field": "goods", "message": "deliveries.goods cannot be null"}],
        [{"field": "", "message": "The row must be a JSON object"}],
        None,
    ]
    assert [row["number"] for row in depot.rows(Delivery)] == ["d1", "d4"]


def test_atomic_upload_with_rejected_row_writes_nothing(depot: DepotApi) -> None:
    depot.reported([delivery(1), delivery(2)])
    before = (depot.rows(Delivery), depot.rows(Movement))
    rows = [delivery(1), delivery(2, weight=3), delivery(3), delivery(4, weight=0)]
    response = depot.send(ndjson(rows), NDJSON)
    body = assert_problem_type(response, 400, "validation-failed")
    assert body["errors"] == [
        {
            "field": "weight",
            "message": "line 4: weight must be more than 0 and at most 100, not 0",
        }
    ]
    counts = {name: body[name] for name in ("created", "updated", "unchanged", "rejected")}
    assert counts == {"created": 1, "updated": 1, "unchanged": 1, "rejected": 1}
    assert [row["line"] for row in body["rows"]] == [4]
    assert (depot.rows(Delivery), depot.rows(Movement)) == before


def test_atomic_upload_error_lists_first_1000_rejected_rows(depot: DepotApi) -> None:
    body = depot.send([{"goods": "tea"}] * 1_500).json()
    assert body["rejected"] == 1_500
    assert len(body["rows"]) == 1_000


def test_single_invalid_row_gets_error_of_create(depot: DepotApi) -> None:
    wrong = {"weight": "heavy", "remark": ["x"]}
    uploaded, created = depot.send(wrong), depot.request("POST", "/deliveries", json=wrong)
    body = assert_problem_type(uploaded, 400, "validation-failed")
    assert body["errors"] == created.json()["errors"] or {
        (error["field"], error["message"]) for error in body["errors"]
    } <= {(error["field"], error["message"]) for error in created.json()["errors"]}
    assert depot.rows(Delivery) == []


def test_single_row_with_dangling_reference_is_rejected(depot: DepotApi) -> None:
    body = assert_problem_type(depot.send(delivery(1, site="S")), 400, "validation-failed")
    assert body["errors"] == [{"field": "site", "message": "site must refer to an existing row"}]


def test_dry_run_reports_and_writes_nothing(depot: DepotApi) -> None:
    depot.reported([delivery(1), delivery(2)])
    before = (depot.rows(Delivery), depot.rows(Movement))
    rows = [delivery(1), delivery(2, weight=3), delivery(3), delivery(4, weight=0)]
    report = depot.reported(rows, dry_run="true")
    assert report["dry_run"] is True
    assert statuses(report) == ["unchanged", "updated", "created", "rejected"]
    assert [row.get("id") for row in report["rows"]] == [1, 2, None, None]
    assert depot.reported(delivery(5), dry_run="true")["created"] == 1
    assert (depot.rows(Delivery), depot.rows(Movement)) == before


def test_report_rejected_lists_rejected_rows_only(depot: DepotApi) -> None:
    rows = [delivery(1), delivery(2, weight=0)]
    report = depot.reported(rows, mode="partial", report="rejected")
    assert report["created"] == 1
    assert [row["line"] for row in report["rows"]] == [2]


def test_long_report_lists_every_row_with_stored_id(depot: DepotApi) -> None:
    rows = [delivery(n, weight=0 if n % 7 == 0 else 1) for n in range(1, 2_501)]
    report = depot.reported(rows, mode="partial")
    assert [row["line"] for row in report["rows"]] == list(range(1, 2_501))
    stored = {row["number"]: row["id"] for row in depot.rows(Delivery)}
    for row, said in zip(rows, report["rows"], strict=True):
        assert said.get("id") == stored.get(row["number"])


def test_rows_with_dangling_references_are_rejected(depot: DepotApi) -> None:
    rows = [delivery(1, site="N"), delivery(2, site="S")]
    report = depot.reported(rows, mode="partial")
    assert statuses(report) == ["created", "rejected"]
    assert report["rows"][1]["errors"] == [
        {"field": "site", "message": "site must refer to an existing row"}
    ]


def test_row_violating_other_unique_key_is_rejected(depot: DepotApi) -> None:
    rows = [delivery(1, tag="x"), delivery(2, tag="x")]
    body = assert_problem_type(depot.send(rows), 400, "validation-failed")
    assert body["errors"] == [{"field": "tag", "message": "line 2: tag must be unique"}]
    assert depot.rows(Delivery) == []
    assert statuses(depot.reported(rows, mode="partial")) == ["created", "rejected"]
    body = assert_problem_type(depot.send(delivery(3, tag="x")), 409, "conflict")
    assert body["errors"] == [{"field": "tag", "message": "tag must be unique"}]


def test_row_rejected_by_validate_merge_is_not_written(depot: DepotApi) -> None:
    depot.reported([delivery(1), delivery(2)])
    depot.execute(sa.update(Delivery).values(locked=True))
    report = depot.reported([delivery(1), delivery(2, weight=3)], mode="partial")
    assert statuses(report) == ["unchanged", "rejected"]
    assert report["rows"][1]["errors"] == [{"field": "status", "message": "delivery 2 is locked"}]
    refused = depot.send(delivery(2, weight=3))
    assert refused.json()["errors"] == [{"field": "status", "message": "delivery 2 is locked"}]


def test_write_hooks_share_transaction_of_upload(depot: DepotApi) -> None:
    depot.reported([delivery(1)])
    second = depot.reported([delivery(1, goods="coffee"), delivery(2)])["rows"][1]["id"]
    said = [(row["delivery_id"], row["text"]) for row in depot.rows(Movement)]
    assert said == [(1, "new tea"), (1, "was tea"), (second, "new tea")]


def test_read_only_member_rejects_row_unless_lenient(depot: DepotApi) -> None:
    claimed = {"id": 77, "status": "closed", "madeBy": "me", "createdAt": "2001-01-01"}
    row = delivery(1, **claimed, nobody_knows=1, secrets=1)
    report = depot.reported([row, delivery(2)], mode="partial")
    assert statuses(report) == ["rejected", "created"]
    errors = {error["field"]: error["message"] for error in report["rows"][0]["errors"]}
    assert {name: errors.pop(name) for name in claimed} == {n: f"{n} is read-only" for n in claimed}
    assert [text.split(";")[0] for text in errors.values()] == [
        f"{name} is not a member of this body" for name in ("nobody_knows", "secrets")
    ]
    assert not any("secret?" in text for text in errors.values())
    depot.execute(sa.delete(Delivery))
    lenient = {"Prefer": "handling=lenient"}
    assert depot.request("POST", "/deliveries/upload", json=[row], headers=lenient).is_success
    (stored,) = depot.rows(Delivery)
    assert stored["id"] != 77
    assert (stored["status"], stored["madeBy"]) == ("open", "tester")
    assert not stored["locked"]


def test_ids_of_deleted_rows_are_not_assigned_again(depot: DepotApi) -> None:
    depot.reported([delivery(1), delivery(2)])
    depot.execute(sa.delete(Delivery))
    ids = [row["id"] for row in depot.reported([delivery(3), delivery(4)])["rows"]]
    assert ids == [3, 4]
    assert depot.request("POST", "/deliveries", json=delivery(5)).status_code in (201, 400)


def test_values_of_every_type_round_trip_and_are_unchanged(depot: DepotApi) -> None:
    sample = {
        "code": "a",
        "whole": 7,
        "big": 2**62,
        "real": 1.5,
        "amount": "12.50",
        "flag": True,
        "day": "2020-02-29",
        "clock": "01:02:03",
        "aware": "2020-02-29T01:02:03.000Z",
        "moment": "2020-02-29T01:02:03.004Z",
        "colour": "green",
        "uid": "12345678-1234-5678-1234-567812345678",
        "document": {"a": [1, None, "x"]},
        "blob": "AAEC",
    }
    response = depot.run(depot.uploading(sample, path="/samples"))
    assert response.status_code == 201, response.text
    assert response.json() == {"id": 1, **sample}
    again = depot.run(depot.uploading([sample], path="/samples")).json()
    assert statuses(again) == ["unchanged"]
    for name, value in {"document": {"a": 2}, "amount": "1.00", "flag": False}.items():
        changed = depot.run(depot.uploading([{**sample, name: value}], path="/samples")).json()
        assert statuses(changed) == ["updated"], name
        depot.run(depot.uploading([sample], path="/samples"))
