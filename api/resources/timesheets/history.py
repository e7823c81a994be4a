"""``/approvals/history``: each step of each entry, for those who approve; the database guards it.

What a person may see of their own entries is under ``/timesheets/{timesheet_id}/history``.
"""

from typing import Final

from api.resources.timesheets.approvals import SCOPE
from db.models.timesheet_transition import TimesheetTransition
from encore import Crud

_PATH: Final = "/approvals/history"


def expose_history(crud: Crud) -> None:
    """Expose the history, to be read and nothing else."""
    crud.resource(
        TimesheetTransition,
        endpoints=(_PATH, f"{_PATH}/{{id}}"),
        actions=("list", "read"),
        access={"all": SCOPE},
    )
