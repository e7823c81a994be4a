"""Importing what another system has recorded, so that each of its entries is there exactly once.

``python -m client import timesheets SOURCE`` is the command, ``ImportJob`` the same for programs;
docs/import.md tells how to use either. Like all of ``client`` it speaks HTTP to the API and to its
issuer, and knows nothing of either but that. What is exported here is loaded when it is asked for,
so that the command's own start stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from client.importing.job import ImportJob
    from client.importing.mapping import FieldMapping, load_mapping
    from client.importing.options import ImportOptions
    from client.importing.outcome import Counts
    from client.importing.progress import Progress
    from client.importing.settings import ImportSettings, SourceCredentials, load_import_settings
    from client.importing.sources import FileSource, Source, StreamSource, UrlSource, find_source
    from client.importing.summary import Summary

_HOMES: Final = {
    "Counts": "outcome",
    "FieldMapping": "mapping",
    "FileSource": "sources",
    "ImportJob": "job",
    "ImportOptions": "options",
    "ImportSettings": "settings",
    "Progress": "progress",
    "Source": "sources",
    "SourceCredentials": "settings",
    "StreamSource": "sources",
    "Summary": "summary",
    "UrlSource": "sources",
    "find_source": "sources",
    "load_import_settings": "settings",
    "load_mapping": "mapping",
}

__all__ = [
    "Counts",
    "FieldMapping",
    "FileSource",
    "ImportJob",
    "ImportOptions",
    "ImportSettings",
    "Progress",
    "Source",
    "SourceCredentials",
    "StreamSource",
    "Summary",
    "UrlSource",
    "find_source",
    "load_import_settings",
    "load_mapping",
]


def __getattr__(name: str) -> Any:
    """Load what is exported (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
