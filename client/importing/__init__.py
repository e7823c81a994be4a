"""Imports rows of another system into the API; each external entry is stored exactly once.

``python -m client import timesheets SOURCE`` is the command, ``ImportJob`` the library behind it;
docs/how-to/import.md describes both. Like all of ``client``, this package only speaks HTTP to the
API and its issuer. The exported names are loaded on first use, so that the command starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from client.importing.job import ImportJob
    from client.importing.mapping.field_mapping import FieldMapping
    from client.importing.mapping.loading import load_mapping
    from client.importing.options import ImportOptions
    from client.importing.progress import Progress
    from client.importing.replacing.replace_job import ReplaceJob
    from client.importing.settings import ImportSettings, SourceCredentials, load_import_settings
    from client.importing.sources.creating import create_source
    from client.importing.sources.file import FileSource
    from client.importing.sources.source import Source
    from client.importing.sources.stream import StreamSource
    from client.importing.sources.url import UrlSource
    from client.importing.summary import Summary
    from client.importing.uploading.results import Counts

_MODULES: Final = {
    "Counts": "uploading.results",
    "FieldMapping": "mapping.field_mapping",
    "FileSource": "sources.file",
    "ImportJob": "job",
    "ImportOptions": "options",
    "ImportSettings": "settings",
    "Progress": "progress",
    "ReplaceJob": "replacing.replace_job",
    "Source": "sources.source",
    "SourceCredentials": "settings",
    "StreamSource": "sources.stream",
    "Summary": "summary",
    "UrlSource": "sources.url",
    "create_source": "sources.creating",
    "load_import_settings": "settings",
    "load_mapping": "mapping.loading",
}

__all__ = [
    "Counts",
    "FieldMapping",
    "FileSource",
    "ImportJob",
    "ImportOptions",
    "ImportSettings",
    "Progress",
    "ReplaceJob",
    "Source",
    "SourceCredentials",
    "StreamSource",
    "Summary",
    "UrlSource",
    "create_source",
    "load_import_settings",
    "load_mapping",
]


def __getattr__(name: str) -> Any:
    """Load an exported name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
