"""The error of a single row."""


class RowError(ValueError):
    """A row is invalid and cannot be sent; the message is the reason, for the user."""
