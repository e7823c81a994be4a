"""Differences of hooks."""

from typing import Final

from tests.conformance.difference import Difference

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        "complete-always",
        "`complete` runs after errors and stops, too (D2).",
        {
            "a10-order-missing": ("2: body",),
            "a10-stop": ("2: body",),
            "a10-stop-after-write": ("2: body",),
            "a10-refuse": ("2: body",),
        },
    ),
    Difference(
        "before-alone",
        "Before and after hooks run even if the stage has no action (D1).",
        {"a10-before-alone": ("status 200/403", "content-range", "body")},
    ),
    Difference(
        "no-leak",
        "The message of an unexpected error is logged, not sent (D9); `complete` runs (D2).",
        {"a10-fail": ("body", "2: body")},
    ),
    Difference(
        "criteria-hold",
        "Criteria are combined: neither a client's filter nor another hook overrides a hook's.",
        {
            "a10-criteria-over-filter": ("content-range", "body"),
            "a10-criteria-twice": ("content-range", "body"),
        },
    ),
)
