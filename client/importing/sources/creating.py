"""Chooses the source for a path or a URL."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.settings import SourceCredentials
from client.importing.sources.file import FileSource
from client.importing.sources.source import Source
from client.importing.sources.url import UrlSource


def create_source(
    location: str,
    credentials: SourceCredentials,
    mapping: FieldMapping,
    options: ImportOptions,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Source:
    """Return the source for a path or a URL.

    Args:
        location: The path or URL.
        credentials: For a URL.
        mapping: Its ``since_parameter`` is the parameter for the first day requested; its
            ``headers`` and ``body`` are sent to a URL.
        options: Its ``since`` is that day.
        variables: Environment variables by name, for ``headers``.

    Raises:
        ClientError: As for ``UrlSource``.
    """
    if "://" not in location:
        return FileSource(Path(location))
    parameters = {}
    if options.since and mapping.since_parameter:
        parameters[mapping.since_parameter] = options.since.isoformat()
    return UrlSource(
        location,
        credentials,
        parameters,
        insecure=options.insecure,
        headers=mapping.headers,
        variables=variables,
        body=mapping.body,
    )
