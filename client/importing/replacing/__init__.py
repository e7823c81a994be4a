"""Replaces what a source has in a period: reads the whole source, and sends it in one request."""
