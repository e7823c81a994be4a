"""HTTP, actions and bodies."""

from benchmarks.compare.expected.entry import Expected

_NOT_WRITTEN = ("2: content-range", "2: body")

EXPECTED: tuple[Expected, ...] = (
    Expected(
        "problem-details",
        "Errors are RFC 9457 problems (`application/problem+json`); Finale's `message` "
        "and `errors` are among their members.",
        {
            "a8-members": ("body",),
            "a8-media-type": ("content-type",),
        },
    ),
    Expected(
        "no-html",
        "What Express answers with a page of HTML is a problem too.",
        {
            "a3-create-text": ("body",),
            "a3-create-malformed": ("body",),
            "a3-unknown-route": ("body",),
        },
    ),
    Expected(
        "405",
        "A path that exists answers 405 with `Allow` to a verb that it lacks; Express says 404.",
        {
            "a3-put-where-patch-chosen": (
                "status 404/405",
                "allow",
                "body",
            ),
            "a3-unknown-verb": (
                "status 404/405",
                "allow",
                "body",
            ),
            "a3-delete-all": (
                "status 404/405",
                "allow",
                "body",
            ),
            "a3-action-not-there": (
                "status 404/405",
                "allow",
                "body",
            ),
            "a9-many-create": (
                "status 404/405",
                "allow",
                "body",
            ),
        },
    ),
    Expected(
        "patch-always",
        "PATCH is there whatever `update_method` says: it is HTTP's verb for a partial update.",
        {
            "a3-patch": (
                "status 404/200",
                "body",
            ),
        },
    ),
    Expected(
        "options",
        "OPTIONS names PATCH and OPTIONS too, and has no body.",
        {
            "a3-options-list": (
                "allow",
                "body",
            ),
            "a3-options-read": (
                "allow",
                "body",
            ),
        },
    ),
    Expected(
        "case-of-paths",
        "Paths are case-sensitive, as RFC 3986 has it.",
        {
            "a3-upper-case": (
                "status 200/404",
                "content-range",
                "body",
            ),
        },
    ),
    Expected(
        "no-etag",
        "Finale's weak ETag is Express's; ours is not computed for every GET.",
        {
            "a3-etag": ("etag",),
        },
    ),
    Expected(
        "strict-json",
        "A body is one JSON object in JSON's own media type, no member named twice; an "
        "array is not an empty row.",
        {
            "a3-create-array": (
                "status 201/400",
                "location",
                "body",
                "2: content-range",
                "2: body",
            ),
            "a3-create-array-of-required": ("body",),
            "a3-create-duplicate-member": (
                "status 201/400",
                "location",
                "body",
            ),
            "a9-create-children-no-array": (
                "status 201/400",
                "location",
                "body",
            ),
        },
        compatible={
            "a3-create-array": (
                "status 201/400",
                "location",
                "body",
                "2: content-range",
                "2: body",
            ),
            "a3-create-array-of-required": ("body",),
            "a3-create-duplicate-member": ("status 201/400", "location", "body"),
            "a9-create-children-no-array": ("status 201/400", "location", "body"),
        },
    ),
    Expected(
        "forms",
        "A body that is a form is 415.",
        {
            "a3-create-form": ("status 201/415", "location", "body"),
            "a3-create-form-unknown": ("status 201/415", "location", "body", *_NOT_WRITTEN),
            "a3-create-form-number": ("status 201/415", "location", "body", *_NOT_WRITTEN),
            "a3-create-form-invalid": ("status 201/415", "location", "body", *_NOT_WRITTEN),
            "a3-create-form-repeated": ("status 400/415", "body"),
            "a3-create-form-nested": ("status 201/415", "location", "body", *_NOT_WRITTEN),
            "a3-create-form-array": ("status 201/415", "location", "body", *_NOT_WRITTEN),
            "a3-update-form": ("status 200/415", "body", "2: body"),
        },
        compatible={},
    ),
    Expected(
        "strict-values",
        "Values are checked against the column's type and length; SQLite under "
        "Sequelize stores what comes.",
        {
            "a8-two-nulls": ("body",),
            "a8-boolean-for-text": (
                "status 201/400",
                "location",
                "body",
            ),
            "a8-text-for-number": (
                "status 201/400",
                "location",
                "body",
            ),
            "a8-fraction-for-number": (
                "status 201/400",
                "location",
                "body",
            ),
            "a8-huge-number": (
                "status 201/400",
                "location",
                "body",
            ),
            "a8-text-for-boolean": (
                "status 201/400",
                "location",
                "body",
            ),
            "a8-long-text": (
                "status 201/400",
                "location",
                "body",
            ),
            "a8-empty-for-number": ("status 201/400", "location", "body"),
        },
        compatible={
            "a3-create-form-invalid": ("status 201/400", "location", "body", *_NOT_WRITTEN),
            "a8-two-nulls": ("body",),
            "a8-boolean-for-text": ("status 201/400", "location", "body"),
            "a8-text-for-number": ("status 201/400", "location", "body"),
            "a8-fraction-for-number": ("status 201/400", "location", "body"),
            "a8-huge-number": ("status 201/400", "location", "body"),
            "a8-text-for-boolean": ("status 201/400", "location", "body"),
            "a8-long-text": ("status 201/400", "location", "body"),
            "a8-empty-for-number": ("status 201/400", "location", "body"),
        },
    ),
    Expected(
        "text-for-numbers",
        "Text is no number, no boolean and no key, whatever it says.",
        {
            "a8-digits-for-number": ("status 201/400", "location", "body"),
            "a8-word-for-boolean": ("status 201/400", "location", "body"),
            "a8-digits-for-key": ("status 200/400", "body"),
            "a9-update-link-as-text": ("status 200/400", "body", "2: body"),
        },
        compatible={},
    ),
    Expected(
        "table-in-message",
        "Messages name the table (`users.username`), where Sequelize names its model "
        "(`user.username`).",
        {
            "a8-null": ("body",),
            "a8-null-given": ("body",),
            "a8-null-update": ("body",),
        },
    ),
    Expected(
        "unknown-members",
        "A member that a body cannot have is 400, with the nearest name; a hidden one too.",
        {
            "a3-create-unknown-key": ("status 201/400", "location", "body"),
            "a3-create-hidden": ("status 201/400", "location", "body"),
            "a3-update-unknown-key": ("status 200/400", "body"),
            "a3-update-hidden": ("status 200/400", "body"),
            "a9-create-deep": ("status 201/400", "location", "body"),
            "a9-create-unknown-nested": ("status 201/400", "location", "body"),
            "a9-update-unknown-nested": ("status 200/400", "body"),
        },
        compatible={},
    ),
    Expected(
        "read-only-members",
        "What clients do not write, keys and timestamps among it, is accepted unchanged alone.",
        {
            "a3-create-timestamps": ("status 201/400", "location", "body"),
            "a3-create-read-only": ("status 201/400", "location", "body"),
            "a3-update-id": ("status 200/400", "body", "2: body"),
            "a3-update-key-by-name": ("status 200/400", "body"),
            "a3-update-read-only": ("status 200/400", "body"),
            "a3-update-timestamps": ("status 200/400", "body"),
        },
        compatible={},
    ),
    Expected(
        "managed-timestamps",
        "Only the service writes `createdAt` and `updatedAt`.",
        {},
        compatible={
            "a3-create-timestamps": ("body",),
        },
    ),
    Expected(
        "empty-row",
        "A new row of which the body says nothing, and that would hold nulls alone, is 400.",
        {
            "a3-create-empty": ("status 201/400", "location", "body"),
            "a3-create-no-body": ("status 201/400", "location", "body"),
        },
    ),
    Expected(
        "encoded-location",
        "`Location` is percent-encoded: a slash or space in a key would make it another address.",
        {
            "a3-create-located-by-name": ("location",),
        },
    ),
    Expected(
        "body-first",
        "A body is checked before a row is fetched, so no transaction waits for a caller.",
        {
            "a3-update-invalid-missing": ("status 404/400", "body"),
        },
    ),
)
