"""The OpenAPI description of timesheets, compared with the service's behaviour."""

from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.fixtures.openapi import json_schema, resolve
from tests.fixtures.operations import assert_described, assert_guarded, described_operations
from tests.fixtures.system import System
from tests.timesheets.conftest import WEEKLY, ApiUsers, create_entry, decide, read
from tests.timesheets.operations import OPERATIONS


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/timesheets", "Timesheet"),
        ("/timesheets/{id}/history", "TimesheetChange"),
        ("/timesheets/summary?by=employee,project,week,approved", "SummaryRow"),
        ("/timesheets/summary?by=month", "SummaryRow"),
        ("/approvals", "Timesheet"),
        ("/approvals/history", "TimesheetChange"),
    ],
)
def test_rows_match_their_schema(users: ApiUsers, path: str, schema: str) -> None:
    machine, boss = users.machine(), users.person("boss")
    id_ = create_entry(machine)["id"]
    create_entry(machine, WEEKLY)
    decide(boss, id_, status="rejected", reason="no").raise_for_status()
    document: dict[str, Any] = httpx.get(f"{users.system.url}/openapi.json").json()
    described = {
        **document["components"]["schemas"][schema],
        "components": document["components"],
        "additionalProperties": False,
    }
    validator = jsonschema_rs.Draft202012Validator(described, validate_formats=True)
    rows = read(machine, path.replace("{id}", str(id_)))
    assert rows
    for row in rows:
        validator.validate(row)


DECISIONS: list[dict[str, Any]] = [
    {},
    {"status": "approved"},
    {"approved": True},
    {"status": "approved", "approved": True, "reason": None},
    {"status": "rejected", "reason": "no"},
    {"status": "rejected", "reason": "n" * 500, "approved": False},
    {"approved": False},
    {"approved": 1},
    {"reason": "no"},
    {"status": "rejected"},
    {"status": "rejected", "reason": " "},
    {"status": "rejected", "reason": "n" * 501},
    {"status": "rejected", "reason": "no", "approved": True},
    {"status": "submitted"},
    {"status": None},
    {"hours": 3},
    {"version": 0},
    {"version": "1"},
    {"entries": []},
    {"entries": [{"id": 1}]},
    {"entries": [{"version": 1}]},
    {"ids": [1]},
]


@pytest.mark.parametrize("body", DECISIONS, ids=lambda body: str(body)[:50])
@pytest.mark.parametrize("path", ["/approvals/{id}", "/approvals"])
def test_decision_is_accepted_if_its_schema_is_valid(
    users: ApiUsers, path: str, body: dict[str, Any]
) -> None:
    id_, boss = create_entry(users.machine())["id"], users.person("boss")
    document: dict[str, Any] = httpx.get(f"{users.system.url}/openapi.json").json()
    schema = resolve(document, json_schema(document["paths"][path]["put"]["requestBody"]))
    seen = {"version": 1} if "{id}" in path else {"entries": [{"id": id_, "version": 1}]}
    sent = {**seen, **body}
    response = boss.put(path.replace("{id}", str(id_)), json=sent)
    assert response.status_code in (200, 400)
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(sent) is (
        response.status_code == 200
    )


def test_fields_that_the_service_derives_are_not_required(document: dict[str, Any]) -> None:
    created = document["components"]["schemas"]["TimesheetCreate"]
    assert {"date", "year", "week", "day"} < set(created["properties"])
    body = document["paths"]["/timesheets/upload"]["post"]["requestBody"]
    row = resolve(document, json_schema(body)["items"])
    for schema in (created, row):
        assert set(schema["required"]) == {"user_id", "project", "hours"}
        assert not schema["properties"]["day"].get("readOnly")


def test_parameters_and_formats_of_summary_are_described(
    document: dict[str, Any],
) -> None:
    summary = document["paths"]["/timesheets/summary"]["get"]
    described = {parameter["name"] for parameter in summary["parameters"]}
    assert {"by", "format", "user_id", "day__between", "approved", "or", "not", "q"} < described
    assert not described & {"count", "offset", "page", "sort", "fields"}
    assert set(summary["responses"]["200"]["content"]) == {"application/json", "text/csv"}


def test_operations_of_timesheets_are_described_and_guarded(
    document: dict[str, Any], system: System
) -> None:
    prefixes = ("/timesheets", "/approvals")
    described = described_operations(document)
    assert {key for key in described if key[0].startswith(prefixes)} == set(OPERATIONS)
    assert_described(document, OPERATIONS)
    assert_guarded(system, OPERATIONS)
