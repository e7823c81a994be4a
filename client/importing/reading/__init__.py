"""From bytes to records: decoding, CSV, NDJSON and JSON."""
