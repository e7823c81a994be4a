"""Errors that keep the process from starting, each one line for the operator."""


class StartupError(Exception):
    """The process cannot start; the message is one line that says why."""


class SettingsError(StartupError):
    """A setting is missing or invalid; the message begins with its name."""
