"""The settings of this service: those of the library and those of its resources."""

from api.resources.timesheets.settings import TimesheetSettings
from encore.settings import RequiredScopes, Settings


class ApiSettings(
    TimesheetSettings,
    Settings,
):
    """The settings of this service, with a default for the required scope.

    Attributes:
        scope: The scopes that an operation requires by default, separated by spaces.
    """

    scope: RequiredScopes = "parts_manager"
