"""A timesheet entry: hours that one person worked on one project, on a day or in an ISO week.

The fields have the names of the Auth0 seeds. Dated entries have a ``date``, weekly ones do not. In
both, ``day`` says when they count: the contractor's local day of the date, or the Thursday of the
week, which determines the year and, in summaries, the month of a week. ``year`` and ``week`` are
its ISO week (ISO 8601).
"""

from datetime import date as calendar_date
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Boolean, CheckConstraint, Column, Enum, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base
from db.models.timesheet_change import MAX_REASON, TimesheetChange
from encore.types import MANAGED, DurationHours, Timestamps, UtcDateTime

USER_TYPES: Final = ("Employee", "Contractor")
STATUSES: Final = ("submitted", "approved", "rejected")

LEGACY: Final = "legacy"
"""The column that is not mapped, so that lists do not read it."""

_WEEKLY: Final = text("date IS NULL")
"""The condition of the partial index of weekly entries, which uploads look up."""


class Timesheet(Timestamps, Base):
    """An entry. ``source`` and ``external_id`` identify it in the system it was imported from.

    They are unique for each ``created_by``, so that one client's import cannot conflict with the
    entries of others.

    ``legacy`` is true for entries that were stored when hours had two decimals and days were those
    of UTC, until a write changes their date, day or hours: an import that sends such an entry again
    more exactly does not change it.

    Every write counts ``version`` up; the history has one row for each version.

    The indexes by employee, project and day cover all columns of a summary, so that it does not
    read the table.
    """

    __tablename__ = "timesheets"
    __table_args__ = (
        CheckConstraint("hours > 0", name="hours"),
        CheckConstraint("approved = (status = 'approved')", name="approved"),
        Index("uq_timesheets_natural_key", "source", "external_id", "created_by", unique=True),
        Index("ix_timesheets_by_employee", "user_id", "day", "approved", "hours"),
        Index("ix_timesheets_by_project", "project", "day", "approved", "hours"),
        Index("ix_timesheets_by_day", "day", "approved", "hours"),
        Index(
            "ix_timesheets_weekly",
            "user_id",
            "year",
            "week",
            sqlite_where=_WEEKLY,
            postgresql_where=_WEEKLY,
        ),
        Column(LEGACY, Boolean, server_default=false(), nullable=False),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_type: Mapped[str] = mapped_column(
        Enum(*USER_TYPES, name="user_type", native_enum=False, create_constraint=True),
        default=USER_TYPES[0],
    )
    user_id: Mapped[str] = mapped_column(String(100), info={"example": "ada"})
    date: Mapped[datetime | None] = mapped_column(
        UtcDateTime(keep_offset=True), info={"example": "2026-03-02T09:00:00.000Z"}
    )
    year: Mapped[int] = mapped_column(info={"example": 2026})
    week: Mapped[int] = mapped_column(info={"example": 10})
    day: Mapped[calendar_date] = mapped_column(info={"example": "2026-03-02"})
    project: Mapped[str] = mapped_column(String(100), info={"example": "Analytical Engine"})
    hours: Mapped[Decimal] = mapped_column(DurationHours, info={"example": 7.5})
    status: Mapped[str] = mapped_column(
        Enum(*STATUSES, name="status", native_enum=False, create_constraint=True),
        default=STATUSES[0],
    )
    approved: Mapped[bool] = mapped_column(default=False, info={**MANAGED, "example": False})
    reason: Mapped[str | None] = mapped_column(String(MAX_REASON), info={"example": None})
    source: Mapped[str | None] = mapped_column(String(100), info={"example": "tracker"})
    external_id: Mapped[str | None] = mapped_column(String(200), info={"example": "4711"})
    created_by: Mapped[str] = mapped_column(String(255), info={"example": "importer"})
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __mapper_args__: Any = {  # noqa: RUF012 - SQLAlchemy's own form
        "version_id_col": version,
        "exclude_properties": [LEGACY],
    }

    history: Mapped[list[TimesheetChange]] = relationship(
        primaryjoin="Timesheet.id == foreign(TimesheetChange.timesheet_id)", viewonly=True
    )
