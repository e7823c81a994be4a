"""Keys and related rows."""

from benchmarks.compare.expected.entry import Expected

EXPECTED: tuple[Expected, ...] = (
    Expected(
        "conflict",
        "A unique key that is taken is 409, not 400; the body's members are Finale's.",
        {
            "a8-unique": ("status 400/409",),
            "a8-unique-update": ("status 400/409",),
            "a8-unique-id": ("status 400/409",),
        },
        compatible={},
    ),
    Expected(
        "nested-names",
        "Errors name a field of a nested object with its path.",
        {
            "a8-unique-nested": ("status 400/409", "body"),
        },
        compatible={
            "a8-unique-nested": ("body",),
        },
    ),
    Expected(
        "foreign-keys",
        "A foreign key that refers to nothing is 409 and names the field, not 500 (D9).",
        {
            "a8-foreign-key": (
                "status 500/409",
                "body",
            ),
            "a8-foreign-key-update": (
                "status 500/409",
                "body",
            ),
            "a9-create-link-unknown": (
                "status 500/409",
                "body",
            ),
            "a9-update-link-none": (
                "status 500/409",
                "body",
            ),
        },
        compatible={
            "a8-foreign-key": ("status 500/400", "body"),
            "a8-foreign-key-update": ("status 500/400", "body"),
            "a9-create-link-unknown": ("status 500/400", "body"),
            "a9-update-link-none": ("status 500/400", "body"),
        },
    ),
    Expected(
        "no-through-row",
        "Rows of a link table are not embedded in the rows they link.",
        {
            "a9-through-row": ("body",),
        },
    ),
    Expected(
        "nested-lists",
        "A nested list of a many-to-many relation does not repeat the parent in each row.",
        {
            "a9-linked": ("body",),
        },
    ),
    Expected(
        "to-one",
        "A to-one path follows the parent's own foreign key; 404 where that is null (D4).",
        {
            "a9-to-one": ("body",),
            "a9-to-one-null": (
                "status 200/404",
                "body",
            ),
        },
    ),
    Expected(
        "children-narrow",
        "`children` chooses what is embedded also where the answer is not shallow; there Finale "
        "ignores it.",
        {
            "a9-children-unshallow": ("body",),
        },
    ),
    Expected(
        "unknown-children",
        "`children` names a relation, or is 400.",
        {
            "a9-shallow-unknown-child": (
                "status 200/400",
                "body",
            ),
        },
    ),
    Expected(
        "no-foreign-keys",
        "`remove_foreign_keys` counts for create's answer too.",
        {
            "a9-create-no-foreign-keys": ("body",),
        },
    ),
    Expected(
        "shallow-create",
        "`shallow` is about what is shown; what create was given is written all the same.",
        {
            "a9-shallow-create": (
                "2: content-range",
                "2: body",
            ),
        },
    ),
    Expected(
        "links-on-create",
        "Create links existing rows to any relation; Finale's only to those it belongs to.",
        {
            "a9-create-link-tags": (
                "status 400/201",
                "location",
                "body",
            ),
            "a9-create-link-children": (
                "status 400/201",
                "location",
                "body",
                "2: body",
            ),
            "a9-create-link-one": ("body",),
        },
    ),
    Expected(
        "every-child",
        "`add_to_children` reaches every nested child; Finale's misses relations to "
        "many and to one whose key is elsewhere, since Sequelize 6 calls it another "
        "name.",
        {
            "a9-add-to-children": (
                "body",
                "2: body",
            ),
        },
    ),
    Expected(
        "one-transaction",
        "Whatever fails, nothing is written (D10). A child that is no object is said to "
        "be none. `complete` runs also then (D2).",
        {
            "a9-create-child-invalid": (
                "body",
                "2: content-range",
                "2: body",
            ),
            "a9-create-child-no-object": (
                "body",
                "2: content-range",
                "2: body",
            ),
            "a10-refuse-after-write": (
                "2: body",
                "3: body",
            ),
        },
    ),
    Expected(
        "fresh-relations",
        "Update answers with the related row as stored (D7).",
        {
            "a9-update-link": ("body",),
            "a9-update-foreign-key": ("body",),
        },
        compatible={
            "a9-update-link": ("body",),
            "a9-update-foreign-key": ("body",),
            "a9-update-unknown-nested": ("body",),
            "a9-update-link-as-text": ("body",),
            "a8-digits-for-key": ("body",),
        },
    ),
    Expected(
        "nested-update",
        "A nested object is written on update: made, or linked; Finale echoes it (D8).",
        {
            "a9-update-new": (
                "body",
                "2: body",
                "3: content-range",
                "3: body",
            ),
            "a9-update-one": (
                "body",
                "2: body",
            ),
        },
    ),
    Expected(
        "no-nested-arrays",
        "An array in an update is 400; Finale echoes what it does not write (D8).",
        {
            "a9-update-array": (
                "status 200/400",
                "body",
            ),
            "a9-update-tags": (
                "status 200/400",
                "body",
            ),
            "a9-update-no-array": ("status 200/400", "body"),
        },
        compatible={
            "a9-update-array": ("body",),
            "a9-update-tags": ("body",),
            "a9-update-no-array": ("body",),
        },
    ),
)
