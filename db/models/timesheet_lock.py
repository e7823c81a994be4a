"""The locked period of timesheets: a row for each time that a caller has moved its end."""

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import UtcDateTime, now


class TimesheetLock(Base):
    """The end of the locked period: the first day whose entries can be changed, or null for none.

    The row with the highest id is in force. Rows are only inserted, so that they are the history.
    """

    __tablename__ = "timesheet_locks"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(primary_key=True)
    before: Mapped[date | None] = mapped_column(info={"example": "2026-02-01"})
    who: Mapped[str] = mapped_column(String(255), info={"example": "grace"})
    client: Mapped[str | None] = mapped_column(String(255), info={"example": "browser"})
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
