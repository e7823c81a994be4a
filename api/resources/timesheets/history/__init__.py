"""The history of entries: recording each change, and reading what has changed."""
