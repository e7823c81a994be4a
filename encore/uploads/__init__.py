"""Bulk upload: many rows of one resource in one request, merged by a natural key.

Start with ``upload`` (the options) and ``hooks``. A request passes through ``endpoint``,
``request``, ``formats``, ``rows``, ``handler`` and ``merge_steps``. ``staging_table``, ``parts``,
``match_statements``, ``rename_statements``, ``statements`` and ``writers`` are the database side,
``responses`` is the result.
"""

from encore.uploads.hooks import MergeContext, UploadContext, UploadedRow
from encore.uploads.upload import Upload

__all__ = ["MergeContext", "Upload", "UploadContext", "UploadedRow"]
