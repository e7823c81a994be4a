"""A model of entries and their history, written from the documentation and without the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

FIELDS = (
    "user_type",
    "user_id",
    "date",
    "year",
    "week",
    "day",
    "project",
    "hours",
    "source",
    "external_id",
)


@dataclass
class Entry:
    """An entry with its history, and with who may not decide on it.

    Attributes:
        values: The values by field, as the history shows them.
        creator: Who created it.
        status: The status; ``deleted`` if it is deleted.
        history: Its changes.
        authors: Who changed it, and whose it was, since its last decision.
    """

    values: dict[str, Any]
    creator: str
    status: str = "new"
    history: list[dict[str, Any]] = field(default_factory=list)
    authors: set[str] = field(default_factory=set)

    @property
    def version(self) -> int:
        """The version: the number of its changes."""
        return len(self.history)

    def change(self, who: str, operation: str, change: Mapping[str, Any]) -> bool:
        """Change values, as a request or an uploaded row does; return whether anything differs."""
        new = {**self.values, **complete(change)}
        is_new = self.status == "new"
        old = dict.fromkeys(FIELDS) if is_new else self.values
        changed = [name for name in FIELDS if new[name] != old[name]]
        resubmits = self.status == "rejected" and operation == "update"
        if not changed and not resubmits:
            return False
        before = None if is_new else {name: old[name] for name in changed}
        self._record(who, operation, "submitted", before, {name: new[name] for name in changed})
        self.authors.add(who)
        if before is not None and "user_id" in before:
            self.authors.add(self.values["user_id"])
        self.values = new
        return True

    def decide(self, who: str, to: str, reason: str | None) -> None:
        """Approve or reject."""
        self._record(who, "decide", to, {}, {}, reason)
        self.authors = set()

    def delete(self, who: str) -> None:
        """Delete."""
        before = {name: value for name, value in self.values.items() if value is not None}
        self._record(who, "delete", "deleted", before, None)

    def decision_status(self, who: str, version: int) -> int:
        """Return the HTTP status of a decision."""
        if self.status == "deleted":
            return 404
        if who in {self.values["user_id"], self.creator, *self.authors}:
            return 403
        return 200 if version == self.version and self.status == "submitted" else 409

    def _record(self, who: str, operation: str, to: str, *values: Any) -> None:
        """Add a change; the values are those before, those after, and the reason."""
        names = ("before", "after", "reason")
        change: dict[str, Any] = {"operation": operation, "who": who, "from": self.status, "to": to}
        change |= dict(zip(names, (*values, None), strict=False))
        self.history.append({**change, "version": self.version + 1})
        self.status = to


def complete(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the history shows them: exact hours, dates in UTC with day and week."""
    found = dict(change)
    if "hours" in found:
        hours = f"{Decimal(found['hours']):.4f}"
        found["hours"] = hours[:-2] + hours[-2:].rstrip("0")
    if "date" in found:
        day = datetime.fromisoformat(found["date"]).date()
        iso = day.isocalendar()
        found |= {"day": str(day), "year": iso.year, "week": iso.week}
    return found
