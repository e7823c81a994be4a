"""The verdict: what was found against what is expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.expected import Expected

Found = Mapping[str, tuple[str, ...]]
"""What differs, by case; nothing for a case in which both agree."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run came to.

    Attributes:
        explained: Each expected difference, with the cases that showed it.
        faults: One line for each thing that is not as it should be.
    """

    explained: Sequence[tuple[Expected, Sequence[str]]]
    faults: Sequence[str]


def judge(found: Found, expected: Sequence[Expected], document: Path, *, whole: bool) -> Verdict:
    """Hold what was found against the list, and the list against the document.

    Args:
        found: What differs.
        expected: What should.
        document: Must name every expected difference.
        whole: Whether every case was asked, so that one that is missing is a mistake.
    """
    faults = list(_documented(expected, document))
    reasons: dict[str, Expected] = {}
    for one in expected:
        for name in one.cases:
            if name in reasons:
                faults.append(f"{name}: listed twice, by {reasons[name].name} and {one.name}")
            reasons[name] = one
            if whole and name not in found:
                faults.append(f"{name}: listed by {one.name}, but there is no such case")
    for name, differing in found.items():
        reason = reasons.get(name)
        wanted = () if reason is None else reason.cases[name]
        if differing != wanted:
            listed = f", listed as {', '.join(wanted)} ({reason.name})" if reason else ""
            faults.append(f"{name}: {', '.join(differing) or 'no difference'}{listed}")
    explained = [(one, [name for name in one.cases if found.get(name)]) for one in expected]
    return Verdict(explained, faults)


def _documented(expected: Sequence[Expected], document: Path) -> list[str]:
    text = document.read_text() if document.exists() else ""
    return [
        f"{one.name}: not named in {document.name}"
        for one in expected
        if f"`{one.name}`" not in text
    ]
