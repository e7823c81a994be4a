"""Every operation that asks for a scope: which one, and what it answers and refuses with."""

_ACCEPT = {"406"}
"""Not of custom actions, nor where a hook of send may make another answer."""

_ALWAYS = {"400", "401", "403", "503"} | _ACCEPT
_OF_ROW = _ALWAYS | {"404"}
_WITH_BODY = _ALWAYS | {"409", "412", "413", "415"}
_CHANGE = _OF_ROW | _WITH_BODY

CREATE, READ, DELETE, APPROVE = (
    f"{verb}:timesheets" for verb in ("create", "read", "delete", "approve")
)

OPERATIONS: dict[tuple[str, str], tuple[str, set[str], set[str]]] = {
    # Operation: its scope, its successes, its refusals.
    ("/parts", "get"): ("parts_manager", {"200"}, _ALWAYS),
    ("/parts", "post"): ("parts_manager", {"201"}, _WITH_BODY),
    ("/parts/{id}", "get"): ("parts_manager", {"200"}, _OF_ROW),
    ("/parts/{id}", "put"): ("parts_manager", {"200"}, _CHANGE),
    ("/parts/{id}", "patch"): ("parts_manager", {"200"}, _CHANGE),
    ("/parts/{id}", "delete"): ("parts_manager", {"200"}, _OF_ROW | {"409", "412"}),
    ("/timesheets", "get"): (READ, {"200"}, _ALWAYS),
    ("/timesheets", "post"): (CREATE, {"201"}, _WITH_BODY - _ACCEPT),
    ("/timesheets/{id}", "get"): (READ, {"200"}, _OF_ROW),
    ("/timesheets/{id}", "put"): (CREATE, {"200"}, _CHANGE),
    ("/timesheets/{id}", "patch"): (CREATE, {"200"}, _CHANGE),
    ("/timesheets/{id}", "delete"): (DELETE, {"200"}, _OF_ROW | {"409", "412"}),
    ("/timesheets/{timesheet_id}/history", "get"): (READ, {"200"}, _OF_ROW),
    ("/timesheets/{timesheet_id}/history/{id}", "get"): (READ, {"200"}, _OF_ROW),
    ("/timesheets/upload", "post"): ("batch:upload", {"200", "201"}, _WITH_BODY | {"422"}),
    ("/timesheets/summary", "get"): (READ, {"200"}, _ALWAYS - _ACCEPT),
    ("/approvals", "get"): (APPROVE, {"200"}, _ALWAYS),
    ("/approvals", "put"): (APPROVE, {"200"}, _CHANGE - _ACCEPT),
    ("/approvals/{id}", "get"): (APPROVE, {"200"}, _OF_ROW),
    ("/approvals/{id}", "put"): (APPROVE, {"200"}, _CHANGE),
    ("/approvals/{id}", "patch"): (APPROVE, {"200"}, _CHANGE),
    ("/approvals/history", "get"): (APPROVE, {"200"}, _ALWAYS),
    ("/approvals/history/{id}", "get"): (APPROVE, {"200"}, _OF_ROW),
}
SCOPES = sorted({scope for scope, _, _ in OPERATIONS.values()})


def path_of(template: str) -> str:
    """Fill a path's parameters."""
    return template.replace("{id}", "1").replace("{timesheet_id}", "1")
