"""Hooks."""

from benchmarks.compare.expected.entry import Expected

EXPECTED: tuple[Expected, ...] = (
    Expected(
        "complete-always",
        "`complete` runs after errors and stops too (D2).",
        {
            "a10-order-missing": ("2: body",),
            "a10-stop": ("2: body",),
            "a10-stop-after-write": ("2: body",),
            "a10-refuse": ("2: body",),
        },
    ),
    Expected(
        "before-alone",
        "Before and after hooks run where the milestone has no action (D1).",
        {
            "a10-before-alone": (
                "status 200/403",
                "content-range",
                "body",
            ),
        },
    ),
    Expected(
        "no-leak",
        "An unforeseen error's text stays in the log (D9); `complete` runs (D2).",
        {
            "a10-fail": (
                "body",
                "2: body",
            ),
        },
    ),
    Expected(
        "criteria-hold",
        "Criteria add up: neither a caller's filter nor another hook replaces a hook's.",
        {
            "a10-criteria-over-filter": (
                "content-range",
                "body",
            ),
            "a10-criteria-twice": ("content-range", "body"),
        },
    ),
)
