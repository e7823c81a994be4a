"""The history of timesheets: one row for each step of an entry from one status to another."""

from datetime import datetime
from typing import Final

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import UtcDateTime, now

MAX_REASON: Final = 500
"""The longest reason for a rejection, in characters."""


class TimesheetTransition(Base):
    """One step: who took it, by which client, when, from where to where, and why.

    Rows are only ever added; triggers refuse anything else, whoever asks. There is no foreign key:
    the history of an entry outlives it.
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
