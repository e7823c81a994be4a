"""The result of a check: a status and one line of text."""

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """The status of a check; the value is the beginning of its line."""

    OK = "ok  "
    NOTE = "note"
    FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        status: Whether something must be changed.
        subject: The setting, table or issuer that was checked.
        message: The result and, if the check failed, what to change.
    """

    status: Status
    subject: str
    message: str

    def line(self) -> str:
        """Return one line; control characters, which an issuer may have sent, become ``?``."""
        text = f"{self.status.value}  {self.subject}: {self.message}"
        return "".join(character if character.isprintable() else "?" for character in text)


def ok(subject: str, message: str) -> CheckResult:
    """Return the result of a check that passed."""
    return CheckResult(Status.OK, subject, message)


def note(subject: str, message: str) -> CheckResult:
    """Return a result that is worth knowing but needs no change."""
    return CheckResult(Status.NOTE, subject, message)


def failed(subject: str, message: str) -> CheckResult:
    """Return the result of a check that failed: something must be changed."""
    return CheckResult(Status.FAILED, subject, message)
