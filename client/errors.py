"""All errors that a user can cause or meet, each with its exit code.

The message of an error is shown to the user on stderr; it never contains a secret or a token.

The tree::

    ClientError
    ├── UsageError                  1   the arguments
    ├── ConfigurationError          11  the settings, a mapping file
    ├── InsecureError               4   http:// to another machine
    ├── NetworkError                5   unreachable, TLS, timeout, connection lost
    ├── IssuerError                 6   no token
    ├── ApiError                        the API's own error response
    │   ├── ApiRejectedError        7   4xx
    │   └── ApiServerError          8   5xx
    ├── UnexpectedResponseError     9   a redirect, or not JSON
    ├── StateError                  10  checkpoint, lock or rejected rows cannot be written
    ├── SourceError                 12  the source of an import cannot be read
    │   └── SourceUnavailableError  12  but may be readable soon
    └── LockedError                 13  the same import is running
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from client.exit_codes import ExitCode


class ClientError(Exception):
    """A failure that can be explained to the user in a few lines.

    Args:
        message: For the user.
        status: The HTTP status of the response behind it; 0 without one.
        retry_after: That response's Retry-After header.
    """

    exit_code: ClassVar[ExitCode]

    def __init__(self, message: str, status: int = 0, retry_after: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class UsageError(ClientError):
    """The arguments are invalid; nothing was sent."""

    exit_code = ExitCode.USAGE


class ConfigurationError(ClientError):
    """A setting is missing or malformed; nothing was sent."""

    exit_code = ExitCode.CONFIGURATION


class InsecureError(ClientError):
    """A secret or token would be sent in clear to another machine; nothing was sent."""

    exit_code = ExitCode.INSECURE


class NetworkError(ClientError):
    """No response: unreachable, TLS failed, timed out, or the connection was lost."""

    exit_code = ExitCode.NETWORK


class IssuerError(ClientError):
    """The issuer responded, but without a token."""

    exit_code = ExitCode.ISSUER_ERROR


class ApiError(ClientError):
    """The API responded with an error; the message is its own.

    Attributes:
        problem: The members of the response, such as the rejected rows of an upload.
    """

    problem: Mapping[str, Any] = MappingProxyType({})


class ApiRejectedError(ApiError):
    """The API responded 4xx."""

    exit_code = ExitCode.API_REJECTED


class ApiServerError(ApiError):
    """The API responded 5xx."""

    exit_code = ExitCode.API_SERVER_ERROR


class UnexpectedResponseError(ClientError):
    """A response that the API does not send: a redirect, or a body that is not JSON."""

    exit_code = ExitCode.UNEXPECTED_RESPONSE


class StateError(ClientError):
    """The state that an import keeps between runs cannot be read or written."""

    exit_code = ExitCode.OUTPUT


class SourceError(ClientError):
    """The source of an import cannot be read, or not to its end."""

    exit_code = ExitCode.SOURCE


class SourceUnavailableError(SourceError):
    """The source cannot be read now, but a retry may succeed."""


class LockedError(ClientError):
    """Another run of the same import is in progress."""

    exit_code = ExitCode.LOCKED
