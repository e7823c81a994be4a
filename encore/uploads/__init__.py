"""Bulk upload: many rows of one resource in one request, merged by a natural key.

Start with ``upload`` (the options) and ``hooks``. A request passes through ``endpoint``,
``request``, ``formats``, ``rows`` and ``handler``. ``staging_table``, ``statements`` and
``writers`` are the database side, ``responses`` and ``idempotency`` the result.
"""

from encore.uploads.hooks import MergeContext, UploadContext, UploadedRow
from encore.uploads.upload import Upload

__all__ = ["MergeContext", "Upload", "UploadContext", "UploadedRow"]
