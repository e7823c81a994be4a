"""Bulk upload: many rows of one resource in one request, merged by a natural key.

Read on in this order: ``upload`` (what a service names) and ``hooks``, ``operation`` and ``run``
(what a request does), ``request``, ``spool``, ``formats`` and ``rows`` (what comes in), ``stage``,
``statements``, ``merge`` and ``merging`` (what the database does), ``answers`` and ``keys`` (what
goes out).
"""

from encore.uploads.context import UploadContext
from encore.uploads.merge_context import MergeContext
from encore.uploads.rows import UploadedRow
from encore.uploads.upload import Upload

__all__ = ["MergeContext", "Upload", "UploadContext", "UploadedRow"]
