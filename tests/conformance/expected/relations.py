"""Differences of keys and related rows."""

from typing import Final

from tests.conformance.difference import Difference

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        "conflict",
        "A duplicate unique key is 409, not 400; the members of the body are Finale's.",
        {
            "a8-unique": ("status 400/409",),
            "a8-unique-update": ("status 400/409",),
            "a8-unique-id": ("status 400/409",),
        },
        compatible={},
    ),
    Difference(
        "nested-names",
        "Errors name a field of a nested object by its path.",
        {"a8-unique-nested": ("status 400/409", "body")},
        compatible={"a8-unique-nested": ("body",)},
    ),
    Difference(
        "foreign-keys",
        "A foreign key without a referenced row is 409 and names the field, not 500 (D9).",
        {
            "a8-foreign-key": ("status 500/409", "body"),
            "a8-foreign-key-update": ("status 500/409", "body"),
            "a9-create-link-unknown": ("status 500/409", "body"),
            "a9-update-link-none": ("status 500/409", "body"),
        },
        compatible={
            "a8-foreign-key": ("status 500/400", "body"),
            "a8-foreign-key-update": ("status 500/400", "body"),
            "a9-create-link-unknown": ("status 500/400", "body"),
            "a9-update-link-none": ("status 500/400", "body"),
        },
    ),
    Difference(
        "no-through-row",
        "Rows of an association table are not embedded in the rows they connect.",
        {"a9-through-row": ("body",)},
    ),
    Difference(
        "nested-lists",
        "A nested list of a many-to-many relation does not embed the parent in each row.",
        {"a9-linked": ("body",)},
    ),
    Difference(
        "to-one",
        "A to-one path follows the parent's foreign key; 404 if it is null (D4).",
        {"a9-to-one": ("body",), "a9-to-one-null": ("status 200/404", "body")},
    ),
    Difference(
        "children-narrow",
        "`children` selects what is embedded even if the response is not shallow, where Finale "
        "ignores it.",
        {"a9-children-unshallow": ("body",)},
    ),
    Difference(
        "unknown-children",
        "`children` must name a relation; otherwise 400.",
        {"a9-shallow-unknown-child": ("status 200/400", "body")},
    ),
    Difference(
        "no-foreign-keys",
        "`remove_foreign_keys` applies to the response of create, too.",
        {"a9-create-no-foreign-keys": ("body",)},
    ),
    Difference(
        "shallow-create",
        "`shallow` affects only the response; nested objects of create are written.",
        {"a9-shallow-create": ("2: content-range", "2: body")},
    ),
    Difference(
        "links-on-create",
        "Create connects existing rows in any relation; Finale only in belongs-to relations.",
        {
            "a9-create-link-tags": ("status 400/201", "location", "body"),
            "a9-create-link-children": ("status 400/201", "location", "body", "2: body"),
            "a9-create-link-one": ("body",),
        },
    ),
    Difference(
        "every-child",
        "`add_to_children` reaches every nested child; Finale's misses relations to "
        "many and to one whose key is elsewhere, since Sequelize 6 calls it another "
        "name.",
        {"a9-add-to-children": ("body", "2: body")},
    ),
    Difference(
        "one-transaction",
        "If any part fails, nothing is written (D10). A child that is not an object is reported "
        "as such. `complete` runs, too (D2).",
        {
            "a9-create-child-invalid": ("body", "2: content-range", "2: body"),
            "a9-create-child-no-object": ("body", "2: content-range", "2: body"),
            "a10-refuse-after-write": ("2: body", "3: body"),
        },
    ),
    Difference(
        "fresh-relations",
        "The response of update embeds related rows as stored (D7).",
        {"a9-update-link": ("body",), "a9-update-foreign-key": ("body",)},
        compatible={
            "a9-update-link": ("body",),
            "a9-update-foreign-key": ("body",),
            "a9-update-unknown-nested": ("body",),
            "a9-update-link-as-text": ("body",),
            "a8-digits-for-key": ("body",),
        },
    ),
    Difference(
        "nested-update",
        "Update creates or connects a nested object; Finale only echoes it (D8).",
        {
            "a9-update-new": ("body", "2: body", "3: content-range", "3: body"),
            "a9-update-one": ("body", "2: body"),
        },
    ),
    Difference(
        "no-nested-arrays",
        "A nested array in an update is 400; Finale echoes it without writing it (D8).",
        {
            "a9-update-array": ("status 200/400", "body"),
            "a9-update-tags": ("status 200/400", "body"),
            "a9-update-no-array": ("status 200/400", "body"),
        },
        compatible={
            "a9-update-array": ("body",),
            "a9-update-tags": ("body",),
            "a9-update-no-array": ("body",),
        },
    ),
)
