"""Nested writes: related rows that a body creates, connects, changes or disconnects."""
