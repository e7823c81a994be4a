"""Creates, reads, changes and deletes with the package of openapi-generator, and fails as told.

The tests check its types with mypy and run it; ``API_URL`` and the tokens are of a running service.
"""

import datetime as dt
import os
from collections.abc import Callable

import encore_client
from encore_client.exceptions import ApiException


def connect(token: str) -> encore_client.ApiClient:
    """Return a client that sends a token."""
    configuration = encore_client.Configuration(host=os.environ["API_URL"], access_token=token)
    return encore_client.ApiClient(configuration)


client = connect(os.environ["API_TOKEN"])
parts = encore_client.PartsApi(client)
timesheets = encore_client.TimesheetsApi(client)
approvals = encore_client.ApprovalsApi(connect(os.environ["APPROVER_TOKEN"]))


def check_parts() -> None:
    """Create, list, read, change and delete a part."""
    part = parts.create_part(encore_client.PartCreate(name="Nut", partNumber="n-2"))
    assert (part.name, part.part_number, part.description) == ("Nut", "n-2", None)
    assert part.created_at.tzinfo is not None
    assert part in parts.list_parts(name=["Nut"], sort=["-id", "name"], count=10)
    changed = parts.patch_part(
        part.id, part_update=encore_client.PartUpdate(description="hexagonal")
    )
    assert (changed.name, changed.description) == ("Nut", "hexagonal")
    cleared = parts.update_part(part.id, part_update=encore_client.PartUpdate(description=None))
    assert cleared.description is None
    assert parts.get_part(part.id) == cleared
    assert parts.delete_part_with_http_info(part.id).status_code == 200


def check_many_parts() -> None:
    """Create many parts, change them one by one and by a filter, and delete them."""
    rows = [encore_client.PartCreate(name=f"screw {number}") for number in range(3)]
    report = parts.bulk_create_parts(rows).actual_instance
    assert isinstance(report, encore_client.Report)
    assert report.created == 3
    ids = [row.id for row in report.rows if row.id is not None]
    changes = [encore_client.PartBulkUpdate(id=id_, modelNumber="m") for id_ in ids]
    changed = parts.update_parts(encore_client.UpdatePartsRequest(changes)).actual_instance
    assert isinstance(changed, encore_client.Report)
    assert changed.updated == 3
    deleted = parts.delete_parts(name__startswith="screw ").actual_instance
    assert isinstance(deleted, encore_client.Affected)
    assert deleted.affected == 3


def check_timesheets() -> None:
    """Create an entry, and reject it as another user."""
    day = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
    entry = timesheets.create_timesheet(
        encore_client.TimesheetCreate(
            user_id="ada", project="encore", hours=7.5, date=day, user_type="Contractor"
        )
    )
    assert (entry.hours, entry.day, entry.var_date) == (7.5, day.date(), day)
    decision = encore_client.Decision(version=entry.version, status="rejected", reason="no")
    rejected = approvals.patch_approval(entry.id, decision=decision)
    assert (rejected.status, rejected.reason) == ("rejected", "no")
    assert timesheets.get_timesheet(entry.id) == rejected


def check_errors() -> None:
    """Get problems whose members have types."""
    missing = problem_of(lambda: parts.get_part(2_000_000))
    assert (missing.status, missing.type) == (404, "urn:problem-type:not-found")
    empty = problem_of(lambda: parts.create_part(encore_client.PartCreate()))
    assert empty.type == "urn:problem-type:validation-failed"
    error = problem_of(lambda: parts.list_parts(cursor="unknown")).errors[0].actual_instance
    assert isinstance(error, encore_client.FieldError)
    assert error.var_field == "cursor"


def problem_of(call: Callable[[], object]) -> encore_client.Problem:
    """Return the problem with which a call fails."""
    try:
        call()
    except ApiException as error:
        problem = error.data
    else:
        raise AssertionError
    assert isinstance(problem, encore_client.Problem)
    return problem


check_parts()
check_many_parts()
check_timesheets()
check_errors()
