"""What bulk writes are called in OpenAPI, and what they do."""

from encore.bulk.request import MAX_AFFECTED
from encore.openapi.names import ResourceNames, operation_id
from encore.openapi.texts import OperationText


def bulk_text(action: str, names: ResourceNames) -> OperationText:
    """Return the texts of a bulk write.

    Args:
        action: ``create``, ``update`` or ``delete``.
        names: The names of the resource.
    """
    if action == "create":
        return OperationText(
            operation_id("bulk create", names.plural),
            f"Create many {names.plural}",
            f"Creates {names.a_row} of each object of an array; the response is a report. One"
            " invalid object rejects all, unless `mode=partial`.",
        )
    return OperationText(
        operation_id(action, names.many_rows),
        f"{action.capitalize()} many {names.plural}",
        _update_text(names) if action == "update" else _delete_text(names),
    )


def _update_text(names: ResourceNames) -> str:
    return (
        f"With an object as the body, all {names.plural} that the filters match are changed alike;"
        f" the response is their number. {_limits('changed')}\n\n"
        f"With an array as the body, each object names its {names.singular} by its key and changes"
        " its other members, all or none; the response is a report."
    )


def _delete_text(names: ResourceNames) -> str:
    return (
        f"Deletes all {names.plural} that the filters match; the response is their number."
        f" {_limits('deleted')}"
    )


def _limits(done: str) -> str:
    return (
        "A request without a filter is rejected, and so is one whose filters match more than"
        f" `{MAX_AFFECTED}` rows: nothing is {done} then. The filters are those of the list."
    )
