"""Exit codes, for scripts that distinguish failures."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from client.errors import LockedError, OutputClosedError, OutputError, SourceError, StateError
from encore.client.errors import (
    ApiRejectedError,
    ApiServerError,
    ClientError,
    ConfigurationError,
    InsecureError,
    IssuerError,
    NetworkError,
    UnexpectedResponseError,
    UsageError,
)


class ExitCode(IntEnum):
    """The exit codes of ``python -m client``, for every command. 2 is reserved by shells."""

    OK = 0
    """The API responded with success."""
    USAGE = 1
    """The arguments are invalid and nothing was sent; the Okta sample exits with 1 too."""
    REJECTED = 3
    """An import completed, and some of its rows were rejected."""
    INSECURE = 4
    """A secret or token would have been sent in clear; it was not sent."""
    NETWORK = 5
    """The issuer or the API could not be reached, or the connection was lost."""
    ISSUER_ERROR = 6
    """The issuer returned no token."""
    API_REJECTED = 7
    """The API responded 4xx."""
    API_SERVER_ERROR = 8
    """The API responded 5xx."""
    UNEXPECTED_RESPONSE = 9
    """A redirect, 304, or not the JSON or the list that it should be, or not all of a list."""
    OUTPUT = 10
    """The request or import succeeded, but its response or state was not written."""
    CONFIGURATION = 11
    """A setting or a mapping file is missing or malformed; nothing was sent."""
    SOURCE = 12
    """The source of an import cannot be read, or not to its end."""
    LOCKED = 13
    """Another run of the same import is in progress."""
    NOTHING_IMPORTED = 14
    """An import completed, but it rejected all rows of its source that were not skipped."""
    DIFFERENT = 15
    """A generated module differs from the API's description."""
    INTERRUPTED = 130
    """Ctrl-C: 128 + SIGINT, the convention of shells."""
    PIPE_CLOSED = 141
    """The reader of the output closed it: 128 + SIGPIPE, the convention of shells."""


_OF_ERRORS: Final[Mapping[type[ClientError], ExitCode]] = {
    UsageError: ExitCode.USAGE,
    ConfigurationError: ExitCode.CONFIGURATION,
    InsecureError: ExitCode.INSECURE,
    NetworkError: ExitCode.NETWORK,
    IssuerError: ExitCode.ISSUER_ERROR,
    ApiRejectedError: ExitCode.API_REJECTED,
    ApiServerError: ExitCode.API_SERVER_ERROR,
    UnexpectedResponseError: ExitCode.UNEXPECTED_RESPONSE,
    StateError: ExitCode.OUTPUT,
    SourceError: ExitCode.SOURCE,
    LockedError: ExitCode.LOCKED,
    OutputError: ExitCode.OUTPUT,
    OutputClosedError: ExitCode.PIPE_CLOSED,
}


def exit_code_of(error: ClientError) -> ExitCode:
    """Return the exit code of an error, or of the nearest class that it derives from."""
    return next(_OF_ERRORS[known] for known in type(error).__mro__ if known in _OF_ERRORS)
