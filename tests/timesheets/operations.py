"""The operations of timesheets: scope, success statuses and error statuses of each."""

from typing import Final

from tests.fixtures.operations import (
    ACCEPT,
    ALWAYS,
    BULK_DELETE,
    CHANGE,
    OF_ROW,
    WITH_BODY,
    WRITING,
    Operations,
)

CREATE, READ, DELETE, APPROVE, LOCK = (
    f"{verb}:timesheets" for verb in ("create", "read", "delete", "approve", "lock")
)

DECISION: Final = CHANGE | {"428"}
READ_LIST: Final = ALWAYS | {"412"}
READ_ROW: Final = OF_ROW | {"412"}

OPERATIONS: Final[Operations] = {
    ("/timesheets", "get"): (READ, {"200", "304"}, READ_LIST),
    ("/timesheets", "post"): (CREATE, {"201"}, WITH_BODY - ACCEPT),
    ("/timesheets/bulk", "post"): (CREATE, {"200", "204"}, CHANGE),
    ("/timesheets", "patch"): (CREATE, {"200", "204"}, CHANGE),
    ("/timesheets", "delete"): (DELETE, {"200", "204"}, BULK_DELETE),
    ("/timesheets/{id}", "get"): (READ, {"200", "304"}, READ_ROW),
    ("/timesheets/{id}", "put"): (CREATE, {"200", "204"}, CHANGE),
    ("/timesheets/{id}", "patch"): (CREATE, {"200", "204"}, CHANGE),
    ("/timesheets/{id}", "delete"): (DELETE, {"200", "204"}, OF_ROW | WRITING),
    ("/timesheets/{timesheet_id}/history", "get"): (READ, {"200", "304"}, READ_ROW),
    ("/timesheets/{timesheet_id}/history/{id}", "get"): (READ, {"200", "304"}, READ_ROW),
    ("/timesheets/upload", "post"): ("batch:upload", {"200", "201"}, WITH_BODY),
    ("/timesheets/locks", "get"): (READ, {"200", "304"}, READ_LIST),
    ("/timesheets/locks", "post"): (LOCK, {"201"}, WITH_BODY),
    ("/timesheets/locks/{id}", "get"): (READ, {"200", "304"}, READ_ROW),
    ("/timesheets/summary", "get"): (READ, {"200"}, READ_LIST - ACCEPT),
    ("/approvals", "get"): (APPROVE, {"200", "304"}, READ_LIST),
    ("/approvals", "put"): (APPROVE, {"200"}, DECISION - ACCEPT),
    ("/approvals/{id}", "get"): (APPROVE, {"200", "304"}, READ_ROW),
    ("/approvals/{id}", "put"): (APPROVE, {"200", "204"}, DECISION),
    ("/approvals/{id}", "patch"): (APPROVE, {"200", "204"}, DECISION),
    ("/approvals/history", "get"): (APPROVE, {"200", "304"}, READ_LIST),
    ("/approvals/history/{id}", "get"): (APPROVE, {"200", "304"}, READ_ROW),
}
SCOPES: Final = sorted({scope for scope, _, _ in OPERATIONS.values()})
