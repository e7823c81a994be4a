"""Values: from JSON or query text to what a column holds, and from a row to JSON.

A ``Codec`` is chosen once per column, by its SQLAlchemy type (``columns``). It is strict about
types and sizes. ``adapter`` is how a service registers a type that is not known here.
"""

from encore.models.types.adapter import TypeAdapter, TypeAdapters
from encore.models.types.codec import Codec, InvalidValue, accepting_text
from encore.models.types.registry import codec_for, storage_type
from encore.models.types.text import check_text

__all__ = [
    "Codec",
    "InvalidValue",
    "TypeAdapter",
    "TypeAdapters",
    "accepting_text",
    "check_text",
    "codec_for",
    "storage_type",
]
