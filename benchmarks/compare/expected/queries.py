"""Paging, filters, search and sort."""

from benchmarks.compare.expected.entry import Expected

EXPECTED: tuple[Expected, ...] = (
    Expected(
        "page-numbers",
        "`count`, `offset` and `page` must be whole numbers in range; Finale guesses, "
        "or fails with 500 (D9).",
        {
            "a4-count-word": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a4-count-empty": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a4-count-fraction": (
                "status 500/400",
                "body",
            ),
            "a4-offset-negative": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a4-offset-word": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a4-offset-huge": (
                "status 500/400",
                "body",
            ),
        },
        compatible={
            "a4-count-fraction": ("status 500/400", "body"),
            "a4-offset-negative": ("status 200/400", "content-range", "body"),
            "a4-offset-huge": ("status 500/400", "body"),
        },
    ),
    Expected(
        "negative-count",
        "A negative count means the default before the page's offset is computed, not after.",
        {
            "a4-count-negative-page": (
                "content-range",
                "body",
            ),
        },
    ),
    Expected(
        "repeated-count",
        "A repeated count, offset or page is refused; Finale reads an array as no number.",
        {
            "a4-repeated-count": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a4-repeated-offset": ("status 200/400", "content-range", "body"),
            "a4-repeated-page": ("status 200/400", "content-range", "body"),
        },
        compatible={},
    ),
    Expected(
        "past-the-end",
        "A page behind the last row has `items */7` (RFC 9110), not `items 100-99/7`.",
        {
            "a4-past-the-end": ("content-range",),
            "a4-past-the-end-page": ("content-range",),
            "a4-past-the-end-of-none": ("content-range",),
            "a4-past-the-end-of-nested": ("content-range",),
        },
        compatible={},
    ),
    Expected(
        "unpaged-count",
        "A list without pages refuses `count` and `page`, which would do nothing.",
        {
            "a4-unpaged-count": (
                "status 200/400",
                "body",
            ),
        },
        compatible={},
    ),
    Expected(
        "count-limit",
        "At most 1,000 rows a page, as Finale's README says and its code does not (D5).",
        {
            "a4-count-over-1000": (
                "content-range",
                "body",
            ),
            "a4-count-over-10000": ("content-range", "body"),
        },
        compatible={},
    ),
    Expected(
        "unknown-parameters",
        "An unknown parameter is 400 and names the nearest: a misspelt filter must not "
        "list everything. `Prefer: handling=lenient` passes over it.",
        {
            "a5-unknown": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-scope-by-its-name": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-through-unknown": (
                "status 500/400",
                "body",
            ),
            "a5-through-no-include": (
                "status 500/400",
                "body",
            ),
            "a5-on-read": (
                "status 200/400",
                "body",
            ),
            "a6-no-q": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-limit": ("status 200/400", "content-range", "body"),
            "a5-unknown-of-nested": ("status 200/400", "content-range", "body"),
            "a3-update-unknown-parameter": ("status 200/400", "body"),
            "a3-delete-unknown-parameter": ("status 200/400", "body"),
        },
        compatible={
            "a5-through-unknown": ("status 500/200", "content-range", "body"),
            "a5-through-no-include": ("status 500/200", "content-range", "body"),
            "a3-update-unknown-parameter": ("status 200/400", "body"),
            "a3-delete-unknown-parameter": ("status 200/400", "body"),
        },
    ),
    Expected(
        "typed-filters",
        "A filter's value must fit its column.",
        {
            "a5-bad-number": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-bad-boolean": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-operator-injection": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a6-over-word": ("status 200/400", "content-range", "body"),
        },
    ),
    Expected(
        "null-among",
        "`[42,null]` finds nulls too, SQL's IN does not; and what is not `tool` may be null.",
        {
            "a5-array-with-null": (
                "content-range",
                "body",
            ),
            "a6-other": ("content-range", "body"),
        },
    ),
    Expected(
        "operators",
        "`age__gte=42` and its kin are ours; Finale passes over them.",
        {
            "a5-operator": (
                "content-range",
                "body",
            ),
        },
    ),
    Expected(
        "reserved-names",
        "A column called like a parameter is filtered as `page__eq`; in Finale both "
        "meanings apply at once.",
        {
            "a5-reserved-column": (
                "content-range",
                "body",
            ),
        },
    ),
    Expected(
        "whole-children",
        "A filter through a relation chooses rows, not which of their children are shown.",
        {
            "a5-through-many": ("body",),
            "a5-through-link": ("body",),
        },
    ),
    Expected(
        "presets",
        "An unknown preset (Finale's scope) is 400, not 500 (D9).",
        {
            "a5-scope-unknown": (
                "status 500/400",
                "body",
            ),
            "a5-scope-where-none": ("status 500/400", "body"),
        },
    ),
    Expected(
        "hidden",
        "What is not shown cannot be filtered by (D6).",
        {
            "a5-hidden": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-hidden-of-relation": (
                "status 200/400",
                "content-range",
                "body",
            ),
            "a5-not-included-of-relation": (
                "status 200/400",
                "content-range",
                "body",
            ),
        },
        compatible={
            "a5-hidden": ("content-range", "body"),
            "a5-hidden-of-relation": ("content-range", "body"),
            "a5-not-included-of-relation": ("content-range", "body"),
        },
    ),
    Expected(
        "literal-wildcards",
        "A caller's `%` and `_` are letters.",
        {
            "a6-percent": (
                "content-range",
                "body",
            ),
            "a6-percent-apart": (
                "content-range",
                "body",
            ),
            "a6-underscore": (
                "content-range",
                "body",
            ),
        },
    ),
    Expected(
        "sort-words",
        "A repeated sort is one list, where Finale fails with 500; an empty one is "
        "refused also where there is a default.",
        {
            "a7-repeated": (
                "status 500/200",
                "content-range",
                "body",
            ),
            "a7-empty-over-default": (
                "status 200/400",
                "content-range",
                "body",
            ),
        },
    ),
)
