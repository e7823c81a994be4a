"""The history of timesheets: a row for each write of an entry, from its creation to its deletion.

The table keeps the name of its first version, which recorded transitions of the status only. What
that version did not record (``version``, ``operation``, ``issuer``, ``subject``, ``before``,
``after``) is null in its rows.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import UtcDateTime, now

MAX_REASON: Final = 500
"""The maximum length of the reason for a rejection, in characters."""


class TimesheetChange(Base):
    """A change: who made it and when, the statuses and the changed values before and after it.

    Rows are only inserted; triggers reject every other change. There is no foreign key, because the
    history of an entry outlives it.

    Attributes:
        from_status: The status before; ``new`` if the change created the entry.
        to_status: The status after; ``deleted`` if the change deleted the entry.
        who: The principal's name: a person's, or that of a client that calls for itself.
        client: The client id.
        reason: The reason for a rejection.
        operation: ``create``, ``update``, ``upload``, ``decide`` or ``delete``.
        version: The entry's version after the change; each change counts it up by one.
        issuer: The issuer of the principal's token.
        subject: The principal's subject at the issuer.
        before: The former values of the changed fields, by name; null for a new entry.
        after: The new values of the changed fields; null for a deleted entry.
    """

    __tablename__ = "timesheet_transitions"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(primary_key=True)
    timesheet_id: Mapped[int] = mapped_column(index=True)
    from_status: Mapped[str] = mapped_column("from", String(10), info={"example": "submitted"})
    to_status: Mapped[str] = mapped_column("to", String(10), info={"example": "approved"})
    who: Mapped[str] = mapped_column(String(255), info={"example": "grace"})
    client: Mapped[str | None] = mapped_column(String(255), info={"example": "browser"})
    reason: Mapped[str | None] = mapped_column(String(MAX_REASON), info={"example": None})
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    operation: Mapped[str | None] = mapped_column(String(10), info={"example": "decide"})
    version: Mapped[int | None] = mapped_column(info={"example": 2})
    issuer: Mapped[str | None] = mapped_column(
        Text, info={"example": "https://example.com/oauth2/default"}
    )
    subject: Mapped[str | None] = mapped_column(Text, info={"example": "grace"})
    before: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), info={"example": {"status": "submitted"}}
    )
    after: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), info={"example": {"status": "approved"}}
    )
