"""Imports rows of another system into the API; each external entry is stored exactly once.

``python -m client import timesheets SOURCE`` is the command, ``ImportJob`` the library behind it;
docs/how-to/import.md describes both. Like all of ``client``, this package only speaks HTTP to the
API and its issuer. The exported names are loaded on first use, so that the command starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from client.importing.job import ImportJob
    from client.importing.mapping import FieldMapping, load_mapping
    from client.importing.options import ImportOptions
    from client.importing.progress import Progress
    from client.importing.results import Counts, Summary
    from client.importing.settings import ImportSettings, SourceCredentials, load_import_settings
    from client.importing.sources import FileSource, Source, StreamSource, UrlSource, create_source

_MODULES: Final = {
    "Counts": "results",
    "FieldMapping": "mapping",
    "FileSource": "sources",
    "ImportJob": "job",
    "ImportOptions": "options",
    "ImportSettings": "settings",
    "Progress": "progress",
    "Source": "sources",
    "SourceCredentials": "settings",
    "StreamSource": "sources",
    "Summary": "results",
    "UrlSource": "sources",
    "create_source": "sources",
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
    "create_source",
    "load_import_settings",
    "load_mapping",
]


def __getattr__(name: str) -> Any:
    """Load an exported name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
