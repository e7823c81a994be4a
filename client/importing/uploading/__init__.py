"""Sends rows to the API, batch by batch."""
