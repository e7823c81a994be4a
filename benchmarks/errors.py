"""What stops a benchmark: one line for the person who ran it, no traceback."""


class BenchmarkError(Exception):
    """A condition that the harness cannot measure under; the message is one line."""
