"""Differences of paging, filters, search and sort."""

from typing import Final

from tests.conformance.difference import Difference

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        "page-numbers",
        "`count`, `offset` and `page` must be integers in range; Finale guesses, "
        "or fails with 500 (D9).",
        {
            "a4-count-word": ("status 200/400", "content-range", "body"),
            "a4-count-empty": ("status 200/400", "content-range", "body"),
            "a4-count-fraction": ("status 500/400", "body"),
            "a4-offset-negative": ("status 200/400", "content-range", "body"),
            "a4-offset-word": ("status 200/400", "content-range", "body"),
            "a4-offset-huge": ("status 500/400", "body"),
        },
        compatible={
            "a4-count-fraction": ("status 500/400", "body"),
            "a4-offset-negative": ("status 200/400", "content-range", "body"),
            "a4-offset-huge": ("status 500/400", "body"),
        },
    ),
    Difference(
        "negative-count",
        "A negative count means the default before the page's offset is computed, not after.",
        {"a4-count-negative-page": ("content-range", "body")},
    ),
    Difference(
        "repeated-count",
        "A repeated count, offset or page is rejected; Finale ignores it.",
        {
            "a4-repeated-count": ("status 200/400", "content-range", "body"),
            "a4-repeated-offset": ("status 200/400", "content-range", "body"),
            "a4-repeated-page": ("status 200/400", "content-range", "body"),
        },
        compatible={},
    ),
    Difference(
        "past-the-end",
        "A page after the last row has `items */7` (RFC 9110), not `items 100-99/7`.",
        {
            "a4-past-the-end": ("content-range",),
            "a4-past-the-end-page": ("content-range",),
            "a4-past-the-end-of-none": ("content-range",),
            "a4-past-the-end-of-nested": ("content-range",),
        },
        compatible={},
    ),
    Difference(
        "unpaged-count",
        "A list without paging rejects `count` and `page`, which would have no effect.",
        {"a4-unpaged-count": ("status 200/400", "body")},
        compatible={},
    ),
    Difference(
        "count-limit",
        "At most 1,000 rows a page, as Finale documents but does not enforce (D5).",
        {
            "a4-count-over-1000": ("content-range", "body"),
            "a4-count-over-10000": ("content-range", "body"),
        },
        compatible={},
    ),
    Difference(
        "unknown-parameters",
        "An unknown parameter is 400 and suggests the nearest name: a misspelt filter must not "
        "list all rows. `Prefer: handling=lenient` ignores it.",
        {
            "a5-unknown": ("status 200/400", "content-range", "body"),
            "a5-scope-by-its-name": ("status 200/400", "content-range", "body"),
            "a5-through-unknown": ("status 500/400", "body"),
            "a5-through-no-include": ("status 500/400", "body"),
            "a5-on-read": ("status 200/400", "body"),
            "a6-no-q": ("status 200/400", "content-range", "body"),
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
    Difference(
        "typed-filters",
        "A filter's value must be valid for its column.",
        {
            "a5-bad-number": ("status 200/400", "content-range", "body"),
            "a5-bad-boolean": ("status 200/400", "content-range", "body"),
            "a5-operator-injection": ("status 200/400", "content-range", "body"),
            "a6-over-word": ("status 200/400", "content-range", "body"),
        },
    ),
    Difference(
        "null-among",
        "`[42,null]` matches null, too, unlike SQL's IN; so does `ne`.",
        {"a5-array-with-null": ("content-range", "body"), "a6-other": ("content-range", "body")},
    ),
    Difference(
        "operators",
        "Operators such as `age__gte=42` are an extension; Finale ignores them.",
        {"a5-operator": ("content-range", "body")},
    ),
    Difference(
        "reserved-names",
        "A column named like a parameter is filtered as `page__eq`; Finale applies both meanings.",
        {"a5-reserved-column": ("content-range", "body")},
    ),
    Difference(
        "whole-children",
        "A filter through a relation selects rows, not which of their children are embedded.",
        {"a5-through-many": ("body",), "a5-through-link": ("body",)},
    ),
    Difference(
        "presets",
        "An unknown preset (Finale's scope) is 400, not 500 (D9).",
        {
            "a5-scope-unknown": ("status 500/400", "body"),
            "a5-scope-where-none": ("status 500/400", "body"),
        },
    ),
    Difference(
        "hidden",
        "Excluded fields cannot be filtered by (D6).",
        {
            "a5-hidden": ("status 200/400", "content-range", "body"),
            "a5-hidden-of-relation": ("status 200/400", "content-range", "body"),
            "a5-not-included-of-relation": ("status 200/400", "content-range", "body"),
        },
        compatible={
            "a5-hidden": ("content-range", "body"),
            "a5-hidden-of-relation": ("content-range", "body"),
            "a5-not-included-of-relation": ("content-range", "body"),
        },
    ),
    Difference(
        "literal-wildcards",
        "`%` and `_` in a search term are literal characters.",
        {
            "a6-percent": ("content-range", "body"),
            "a6-percent-apart": ("content-range", "body"),
            "a6-underscore": ("content-range", "body"),
        },
    ),
    Difference(
        "sort-words",
        "Repeated sort parameters are combined, where Finale fails with 500; an empty one is "
        "rejected even if there is a default.",
        {
            "a7-repeated": ("status 500/200", "content-range", "body"),
            "a7-empty-over-default": ("status 200/400", "content-range", "body"),
        },
    ),
)
