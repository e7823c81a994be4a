"""Streams: all rows that a list's query matches, as CSV or NDJSON, in one response.

A stream is read page by page, by sort keys; between two pages it holds no connection, no thread
and no snapshot, however slowly the caller reads. Read on in this order: ``operation`` (which list
is answered by a stream, and how it is sent), ``plan`` (what runs for each page), ``page`` (one
page's rows), ``formats`` and ``table`` (how they are written).
"""
