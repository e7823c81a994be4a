"""Reasons not to start.

The tree::

    StartupError         one line for the person who starts the service
    └── SettingsError    settings are missing or invalid; each line begins with a setting's name
"""


class StartupError(Exception):
    """The process cannot start; the message is one line that says why."""


class SettingsError(StartupError):
    """Settings are missing or invalid.

    Args:
        problems: One line for each, which begins with the setting's name.

    Attributes:
        problems: The same.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
