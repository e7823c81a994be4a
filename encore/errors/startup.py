"""Reasons not to start.

The tree::

    CannotStart          one line for the person who starts the service
    └── SettingsError    a setting is missing or wrong; the line begins with its name
"""


class CannotStart(Exception):
    """A reason not to start, in one line for the person who starts it."""


class SettingsError(CannotStart):
    """A setting is missing or wrong; the text names it."""
