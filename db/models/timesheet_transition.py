"""The history of timesheets: a row for each transition of an entry from one status to another."""

from datetime import datetime
from typing import Final

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import UtcDateTime, now

MAX_REASON: Final = 500
"""The maximum length of the reason for a rejection, in characters."""


class TimesheetTransition(Base):
    """A transition: the principal, the client, the timestamp, both statuses and the reason.

    Rows are only inserted; triggers reject every other change. There is no foreign key, because the
    history of an entry outlives it.
    """

    __tablename__ = "timesheet_transitions"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(primary_key=True)
    timesheet_id: Mapped[int] = mapped_column(index=True)
    from_status: Mapped[str] = mapped_column("from", String(10))
    to_status: Mapped[str] = mapped_column("to", String(10))
    who: Mapped[str] = mapped_column(String(255))
    client: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(String(MAX_REASON))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
