"""``/approvals``: deciding on entries, and the history of all changes."""
