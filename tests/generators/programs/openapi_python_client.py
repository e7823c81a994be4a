"""Creates, reads, changes and deletes with the package of openapi-python-client, and fails as told.

The tests check its types with mypy and run it; ``API_URL`` and the tokens are of a running service.
"""

import datetime as dt
import os

from encore_api import AuthenticatedClient
from encore_api.api.approvals import patch_approval
from encore_api.api.parts import (
    bulk_create_parts,
    create_part,
    delete_part,
    get_part,
    list_parts,
    patch_part,
    update_part,
    update_parts,
    upload_parts,
)
from encore_api.api.timesheets import create_timesheet, get_timesheet
from encore_api.models import (
    Affected,
    Decision,
    DecisionStatus,
    FieldError,
    Part,
    PartCreate,
    PartUpdate,
    Problem,
    Report,
    Timesheet,
    TimesheetCreate,
    TimesheetCreateUserType,
)

URL = os.environ["API_URL"]
client = AuthenticatedClient(base_url=URL, token=os.environ["API_TOKEN"])
approver = AuthenticatedClient(base_url=URL, token=os.environ["APPROVER_TOKEN"])


def check_parts() -> None:
    """Create, list, read, change and delete a part."""
    part = create_part.sync(client=client, body=PartCreate(name="Nut", part_number="n-1"))
    assert isinstance(part, Part), part
    assert (part.name, part.part_number, part.description) == ("Nut", "n-1", None)
    assert part.created_at.tzinfo is not None
    listed = list_parts.sync(client=client, name=["Nut"], count=10)
    assert isinstance(listed, list)
    assert part in listed
    changed = patch_part.sync(part.id, client=client, body=PartUpdate(description="hexagonal"))
    assert isinstance(changed, Part)
    assert (changed.name, changed.description) == ("Nut", "hexagonal")
    cleared = update_part.sync(part.id, client=client, body=PartUpdate(description=None))
    assert isinstance(cleared, Part)
    assert cleared.description is None
    assert get_part.sync(part.id, client=client) == cleared
    deleted = delete_part.sync_detailed(part.id, client=client)
    assert deleted.status_code == 200


def check_many_parts() -> None:
    """Create many parts in three ways, and change them by a filter."""
    rows = [PartCreate(name=f"bolt {number}") for number in range(3)]
    created = bulk_create_parts.sync(client=client, body=rows)
    assert isinstance(created, Report), created
    assert (created.created, len(created.rows)) == (3, 3)
    uploaded = upload_parts.sync(client=client, body=rows)
    assert isinstance(uploaded, Report), uploaded
    affected = update_parts.sync(
        client=client, body=PartUpdate(model_number="m"), name_startswith="bolt "
    )
    assert isinstance(affected, Affected), affected
    assert affected.affected == 6


def check_timesheets() -> None:
    """Create an entry, and reject it as another user."""
    day = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
    body = TimesheetCreate(
        user_id="ada",
        project="encore",
        hours=7.5,
        date=day,
        user_type=TimesheetCreateUserType.CONTRACTOR,
    )
    entry = create_timesheet.sync(client=client, body=body)
    assert isinstance(entry, Timesheet), entry
    assert (entry.hours, entry.day, entry.date) == (7.5, day.date(), day)
    rejection = Decision(version=entry.version, status=DecisionStatus.REJECTED, reason="no")
    rejected = patch_approval.sync(entry.id, client=approver, body=rejection)
    assert isinstance(rejected, Timesheet), rejected
    assert (rejected.status, rejected.reason) == ("rejected", "no")
    assert get_timesheet.sync(entry.id, client=client) == rejected


def check_errors() -> None:
    """Get problems whose members have types."""
    missing = get_part.sync(2_000_000, client=client)
    assert isinstance(missing, Problem)
    assert (missing.status, missing.type_) == (404, "urn:problem-type:not-found")
    invalid = create_part.sync(client=client, body=PartCreate(name="x" * 256))
    assert isinstance(invalid, Problem)
    (error,) = invalid.errors
    assert isinstance(error, FieldError)
    assert error.field == "name"
    assert "255" in error.message


check_parts()
check_many_parts()
check_timesheets()
check_errors()
