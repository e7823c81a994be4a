"""Two sample rows in each format, and how they are sent."""

import json
from typing import Any

from tests.client.importing.conftest import FakeUploadApi

ROWS = [
    {"user_id": "007", "date": "2017-05-10T08:00Z", "project": "StoreZero", "hours": 7.5},
    {"user_id": "008", "year": 2016, "week": 24, "project": "StoreZero", "hours": 20},
]
NDJSON = "".join(f"{json.dumps(row)}\n" for row in ROWS)
CSV = "user_id,date,year,week,project,hours\n007,2017-05-10T08:00Z,,,StoreZero,7.5\n"
CSV += "008,,2016,24,StoreZero,20\n"


def sent(api: FakeUploadApi) -> list[dict[str, Any]]:
    """Return all rows that were sent, without their natural keys."""
    keys = ("source", "external_id", "previous_external_id")
    return [
        {name: value for name, value in row.items() if name not in keys}
        for request in api.requests
        for row in request.rows
    ]


SENT = [{**ROWS[0], "date": "2017-05-10T08:00:00.000Z", "day": "2017-05-10"}, ROWS[1]]
