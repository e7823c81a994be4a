"""Streams: all rows that match the query of a list, as CSV or NDJSON in one response.

A stream is read page by page, by keyset pagination; between two pages it holds no connection, no
thread and no snapshot, however slowly the client reads. ``operation`` chooses between a page and a
stream and sends it, ``pipeline`` runs the steps of each page, ``page`` reads its rows, ``formats``
and ``table`` write them.
"""
