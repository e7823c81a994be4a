"""The settings of this service, beside those that every service has."""

from api.resources.timesheets.settings import TimesheetSettings
from encore.settings import RequiredScopes, Settings


class ApiSettings(
    TimesheetSettings,
    Settings,
):
    """The settings of this service: those of its systems, and a default for the scope.

    Attributes:
        scope: What a token must hold, by default, for any operation; separated by spaces.
    """

    scope: RequiredScopes = "parts_manager"
