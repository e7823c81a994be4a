"""Differences of HTTP, actions and bodies."""

from typing import Final

from tests.conformance.difference import Difference

_NOT_WRITTEN = ("2: content-range", "2: body")

DIFFERENCES: Final[tuple[Difference, ...]] = (
    Difference(
        "problem-details",
        "Errors are RFC 9457 problem details (`application/problem+json`), with Finale's `message` "
        "and `errors` as additional members.",
        {"a8-members": ("body",), "a8-media-type": ("content-type",)},
    ),
    Difference(
        "no-html",
        "Errors that Express reports as an HTML page are problem details, too.",
        {
            "a3-create-text": ("body",),
            "a3-create-malformed": ("body",),
            "a3-unknown-route": ("body",),
        },
    ),
    Difference(
        "405",
        "An unsupported method of an existing path is 405 with `Allow`; Express responds 404.",
        {
            "a3-put-where-patch-chosen": ("status 404/405", "allow", "body"),
            "a3-action-not-there": ("status 404/405", "allow", "body"),
            "a9-many-create": ("status 404/405", "allow", "body"),
        },
    ),
    Difference(
        "patch-always",
        "PATCH, HTTP's method for a partial update, is supported for every `update_method`.",
        {"a3-patch": ("status 404/200", "body")},
    ),
    Difference(
        "options",
        "The response to OPTIONS lists PATCH and OPTIONS, too, and has no body.",
        {"a3-options-list": ("allow", "body"), "a3-options-read": ("allow", "body")},
    ),
    Difference(
        "case-of-paths",
        "Paths are case-sensitive (RFC 3986).",
        {"a3-upper-case": ("status 200/404", "content-range", "body")},
    ),
    Difference(
        "etag",
        "Express adds a weak ETag of the body; Encore's is strong, and compared by writes.",
        {"a3-etag": ("etag",)},
    ),
    Difference(
        "strict-json",
        "A body must be JSON of a JSON media type without duplicate members.",
        {
            "a3-create-duplicate-member": ("status 201/400", "location", "body"),
            "a9-create-children-no-array": ("status 201/400", "location", "body"),
        },
    ),
    Difference(
        "bulk",
        "An array creates the rows in it, while Finale creates one empty row; PATCH and DELETE of "
        "a collection write the rows that filters match, and require a filter.",
        {
            "a3-create-array": (
                "status 201/200",
                "location",
                "body",
                "2: content-range",
                "2: body",
            ),
            "a3-create-array-of-required": ("status 400/200", "body"),
            "a3-unknown-verb": ("status 404/400", "body"),
            "a3-delete-all": ("status 404/400", "body"),
        },
    ),
    Difference(
        "forms",
        "A form body is rejected with 415.",
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
    Difference(
        "strict-values",
        "Values are validated against the column's type and length; SQLite under "
        "Sequelize stores any value.",
        {
            "a8-two-nulls": ("body",),
            "a8-boolean-for-text": ("status 201/400", "location", "body"),
            "a8-text-for-number": ("status 201/400", "location", "body"),
            "a8-fraction-for-number": ("status 201/400", "location", "body"),
            "a8-huge-number": ("status 201/400", "location", "body"),
            "a8-text-for-boolean": ("status 201/400", "location", "body"),
            "a8-long-text": ("status 201/400", "location", "body"),
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
    Difference(
        "text-for-numbers",
        "A string is not accepted for a number, boolean or key, whatever it contains.",
        {
            "a8-digits-for-number": ("status 201/400", "location", "body"),
            "a8-word-for-boolean": ("status 201/400", "location", "body"),
            "a8-digits-for-key": ("status 200/400", "body"),
            "a9-update-link-as-text": ("status 200/400", "body", "2: body"),
        },
        compatible={},
    ),
    Difference(
        "table-in-message",
        "Messages name the table (`users.username`), where Sequelize names its model "
        "(`user.username`).",
        {"a8-null": ("body",), "a8-null-given": ("body",), "a8-null-update": ("body",)},
    ),
    Difference(
        "unknown-members",
        "An unknown or hidden member is rejected with 400, which suggests the nearest name.",
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
    Difference(
        "read-only-members",
        "Read-only members, keys and timestamps included, are accepted only unchanged.",
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
    Difference(
        "managed-timestamps",
        "Only the service writes `createdAt` and `updatedAt`.",
        {},
        compatible={"a3-create-timestamps": ("body",)},
    ),
    Difference(
        "empty-row",
        "Creating a row from an empty body is 400 if all its columns would be null.",
        {
            "a3-create-empty": ("status 201/400", "location", "body"),
            "a3-create-no-body": ("status 201/400", "location", "body"),
        },
    ),
    Difference(
        "encoded-location",
        "`Location` is percent-encoded: a slash or space in a key would change the URL.",
        {"a3-create-located-by-name": ("location",)},
    ),
    Difference(
        "body-first",
        "A body is validated before the row is fetched, so no transaction waits for a client.",
        {"a3-update-invalid-missing": ("status 404/400", "body")},
    ),
)
