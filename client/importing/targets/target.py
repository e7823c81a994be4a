"""A target: the resource of the API that rows are imported into."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """A resource with an upload.

    Args:
        name: The resource's name in the API: ``timesheets``.
        fields: The names of its fields that a row may have.
        required: The fields that every row has.
    """

    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
