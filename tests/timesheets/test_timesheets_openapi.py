"""What ``/openapi.json`` says of timesheets' rows is what the service answers."""

from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.timesheets.conftest import WEEKLY, Office, made, read


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/timesheets", "Timesheet"),
        ("/timesheets/{id}/history", "TimesheetsHistory"),
        ("/timesheets/summary?by=employee,project,week,approved", "SummaryRow"),
        ("/timesheets/summary?by=month", "SummaryRow"),
        ("/approvals", "Approvals"),
        ("/approvals/history", "ApprovalsHistory"),
    ],
)
def test_every_row_is_what_its_schema_says(office: Office, path: str, schema: str) -> None:
    machine, boss = office.machine(), office.person("boss")
    number = made(machine)["id"]
    made(machine, WEEKLY)
    boss.put(f"/approvals/{number}", json={"status": "rejected", "reason": "no"})
    document: dict[str, Any] = httpx.get(f"{office.system.url}/openapi.json").json()
    described = {
        **document["components"]["schemas"][schema],
        "components": document["components"],
        "additionalProperties": False,
    }
    validator = jsonschema_rs.Draft202012Validator(described, validate_formats=True)
    rows = read(machine, path.replace("{id}", str(number)))
    assert rows
    for row in rows:
        validator.validate(row)
