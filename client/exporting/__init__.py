"""``python -m client export``: all rows of a list as CSV or NDJSON, to the end, or resumed.

The API streams the rows in parts, each with the cursor after its last row
(docs/reference/streams.md). One part at a time is in memory.
"""
