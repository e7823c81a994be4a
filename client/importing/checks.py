"""Checks before the first row is read, shared by imports and previews."""

from pathlib import Path

from client.importing.mapping.field_mapping import MAX_SOURCE_CHARACTERS, FieldMapping
from client.importing.sources.file import FileSource
from client.importing.sources.source import Source
from encore.client.errors import UsageError


def source_name(source: Source, mapping: FieldMapping) -> str:
    """Return the name that is the first half of natural keys.

    Raises:
        UsageError: It is too long.
    """
    name = mapping.source or source.name
    if len(name) > MAX_SOURCE_CHARACTERS:
        raise UsageError(
            f"The source's name {name!r} is longer than {MAX_SOURCE_CHARACTERS} characters: set"
            " source in a mapping file."
        )
    return name


def check_rejected_path(path: Path | None, source: Source) -> None:
    """Validate the path of the file of rejected rows.

    Raises:
        UsageError: It is the source.
    """
    source_path = source.path if isinstance(source, FileSource) else None
    if path is None or source_path is None or not path.exists():
        return
    if path.samefile(source_path):
        raise UsageError(
            f"The rejected rows of this import would overwrite its source {path}: pass another"
            " file with --rejected."
        )
