"""A document as it is sent: bytes, compressed bytes, and their entity tags, made once."""

import gzip
import json
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from encore.http.entity_tags import EntityTag

_LEVEL: Final = 6
"""gzip's: a document is compressed once and sent often."""

_DIGEST_BYTES: Final = 12
CACHED: Final = 32
"""Variants that are kept at a time, the last used: one for each set of scopes and prefix."""


class RenderedDocument:
    """A JSON document as bytes.

    Attributes:
        body: The document.
        tag: Its entity tag.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self.body = text.encode()
        digest = sha256(self.body).digest()[:_DIGEST_BYTES]
        self.tag = EntityTag(urlsafe_b64encode(digest).decode())

    @cached_property
    def compressed(self) -> bytes:
        """The document compressed by gzip."""
        return gzip.compress(self.body, _LEVEL, mtime=0)

    @property
    def compressed_tag(self) -> EntityTag:
        """The entity tag of the compressed document: other bytes (RFC 9110, section 8.8.3.3)."""
        return EntityTag(f"{self.tag.opaque}.gzip")


class DocumentCache:
    """Rendered documents by what they depend on, the last used."""

    def __init__(self, size: int = CACHED) -> None:
        self._size = size
        self._documents: OrderedDict[Hashable, RenderedDocument] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> RenderedDocument:
        """Return the document of a key; made now if it is not cached."""
        document = self._documents.get(key)
        if document is None:
            document = self._documents[key] = RenderedDocument(make())
            if len(self._documents) > self._size:
                self._documents.popitem(last=False)
        else:
            self._documents.move_to_end(key)
        return document
