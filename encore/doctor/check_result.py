"""What a check found: one line for a person, and whether anything must be changed."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How bad it is; the value is how the line begins."""

    GOOD = "ok  "
    NOTE = "note"
    WRONG = "FAIL"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finding.

    Attributes:
        verdict: Whether it is wrong.
        subject: The setting or thing that was looked at.
        text: What was found and, where it is wrong, what to change.
    """

    verdict: Verdict
    subject: str
    text: str

    def line(self) -> str:
        """Give the line, and never more than one: parts of it may come from elsewhere."""
        text = f"{self.verdict.value}  {self.subject}: {self.text}"
        return "".join(character if character.isprintable() else "?" for character in text)


def good(subject: str, text: str) -> CheckResult:
    """Find that something is as it should be."""
    return CheckResult(Verdict.GOOD, subject, text)


def note(subject: str, text: str) -> CheckResult:
    """Find what is worth knowing, and keeps nothing from working."""
    return CheckResult(Verdict.NOTE, subject, text)


def wrong(subject: str, text: str) -> CheckResult:
    """Find what must be changed."""
    return CheckResult(Verdict.WRONG, subject, text)
