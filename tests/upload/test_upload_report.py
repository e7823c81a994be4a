"""What becomes of rows: made, changed, left alone or refused, and how the report says so."""

from tests.upload.conftest import NDJSON, Depot, delivery, ndjson, statuses
from tests.upload.depot import Delivery


def test_one_object_is_stored_and_shown_with_a_message(depot: Depot) -> None:
    response = depot.send(delivery(1))
    assert response.status_code == 201, response.text
    body = response.json()
    assert body["message"] == "Created delivery 1"
    assert response.headers["location"] == "/deliveries/1"
    assert (body["id"], body["goods"], body["weight"], body["rank"]) == (1, "tea", 2.5, 7)
    assert (body["madeBy"], body["status"], body["locked"]) == ("tester", "open", False)
    assert body["createdAt"] == body["updatedAt"]
    assert "secret" not in body


def test_a_batch_is_reported_row_by_row(depot: Depot) -> None:
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


def test_sent_again_rows_are_unchanged_or_updated(depot: Depot) -> None:
    rows = [delivery(1), delivery(2)]
    assert statuses(depot.reported(rows)) == ["created", "created"]
    before = depot.rows(Delivery)
    assert statuses(depot.reported(ndjson(rows), NDJSON)) == ["unchanged", "unchanged"]
    assert depot.rows(Delivery) == before
    rows[1]["goods"] = "coffee"
    assert statuses(depot.reported(rows)) == ["unchanged", "updated"]
    assert [row["goods"] for row in depot.rows(Delivery)] == ["tea", "coffee"]
