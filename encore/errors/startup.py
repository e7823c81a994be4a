"""Reasons not to start.

The tree::

    CannotStart          one line for the person who starts the service
    └── SettingsError    a setting is missing or wrong; the line begins with its name
"""


class StartupError(Exception):
    """A reason not to start, in one line for the person who starts it."""


class SettingsError(StartupError):
    """A setting is missing or wrong; the text names it."""
