"""Bulk upload: many rows of one resource in one request, merged by a natural key.

Read on in this order: ``upload`` (what a service names) and ``hooks``, ``operation`` and ``run``
(what a request does), ``request``, ``spool``, ``formats`` and ``rows`` (what comes in), ``stage``,
``statements``, ``merge`` and ``merging`` (what the database does), ``answers`` and ``keys`` (what
goes out).
"""

from api.crud.upload.context import UploadContext
from api.crud.upload.merge import Merge
from api.crud.upload.rows import UploadedRow
from api.crud.upload.upload import Upload

__all__ = ["Merge", "Upload", "UploadContext", "UploadedRow"]
