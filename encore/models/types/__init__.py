"""Type codecs: conversion and validation of values between JSON, query text and driver values.

``registry`` chooses a ``Codec`` for each column by its SQLAlchemy type. Codecs are strict about
types and sizes. A service registers a ``TypeAdapter`` for a type that is unknown here.
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
