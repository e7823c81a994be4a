"""Everything that can go wrong for a user, each with its exit code.

The text of an error is what the user reads, on stderr; it never holds a secret or a token.

The tree::

    ClientError
    ├── UsageError              1   the arguments
    ├── ConfigurationError      3   the settings
    ├── InsecureError           4   http:// to another machine
    ├── NetworkError            5   unreachable, TLS, timeout, broken off
    ├── IssuerRefusedError      6   no token
    ├── ApiError                    the API's own refusal
    │   ├── ApiRefusedError     7   4xx
    │   └── ApiFailedError      8   5xx
    └── UnexpectedAnswerError   9   redirects, what is not JSON
"""

from typing import ClassVar

from client.status import ExitCode


class ClientError(Exception):
    """A failure that the user can be told of in a few lines."""

    exit_code: ClassVar[ExitCode]


class UsageError(ClientError):
    """The arguments are wrong; nothing was sent."""

    exit_code = ExitCode.USAGE


class ConfigurationError(ClientError):
    """A setting is missing or malformed; nothing was sent."""

    exit_code = ExitCode.CONFIGURATION


class InsecureError(ClientError):
    """A secret or token would travel in clear to another machine; nothing was sent."""

    exit_code = ExitCode.INSECURE


class NetworkError(ClientError):
    """No answer: unreachable, TLS refused, timed out or broken off."""

    exit_code = ExitCode.NETWORK


class IssuerRefusedError(ClientError):
    """The issuer answered, but gave no token."""

    exit_code = ExitCode.ISSUER_REFUSED


class ApiError(ClientError):
    """The API refused or failed; the text is its own message.

    Args:
        status: HTTP status.
        message: What the API said, for a person.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class ApiRefusedError(ApiError):
    """The API answered 4xx."""

    exit_code = ExitCode.API_REFUSED


class ApiFailedError(ApiError):
    """The API answered 5xx."""

    exit_code = ExitCode.API_FAILED


class UnexpectedAnswerError(ClientError):
    """An answer that is no API's: a redirect, or something that is not JSON."""

    exit_code = ExitCode.UNEXPECTED_ANSWER
