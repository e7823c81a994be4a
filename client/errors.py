"""Everything that can go wrong for a user, each with its exit code.

The text of an error is what the user reads, on stderr; it never holds a secret or a token.

The tree::

    ClientError
    ├── UsageError              1   the arguments
    ├── ConfigurationError      11  the settings, a mapping file
    ├── InsecureError           4   http:// to another machine
    ├── NetworkError            5   unreachable, TLS, timeout, broken off
    ├── IssuerRefusedError      6   no token
    ├── ApiError                    the API's own refusal
    │   ├── ApiRefusedError     7   4xx
    │   └── ApiFailedError      8   5xx
    ├── UnexpectedAnswerError   9   redirects, what is not JSON
    ├── StateError              10  checkpoint, lock or rejected rows cannot be written
    ├── SourceError             12  what is to be imported cannot be read
    │   └── SourceLostError     12  and may be readable soon
    └── LockedError             13  the same import is running
"""

from typing import ClassVar

from client.status import ExitCode


class ClientError(Exception):
    """A failure that the user can be told of in a few lines."""

    exit_code: ClassVar[ExitCode]
    status: int = 0
    """The HTTP status of the answer that it stands for; 0 without one."""
    retry_after: str = ""
    """The answer's Retry-After, as it was sent."""


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
    """The issuer answered, but gave no token.

    Args:
        message: What it said, for a person.
        status: HTTP status.
    """

    exit_code = ExitCode.ISSUER_REFUSED

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class ApiError(ClientError):
    """The API refused or failed; the text is its own message.

    Args:
        status: HTTP status.
        message: What the API said, for a person.
        retry_after: Its Retry-After header.
    """

    def __init__(self, status: int, message: str, retry_after: str = "") -> None:
        self.status = status
        self.retry_after = retry_after
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


class StateError(ClientError):
    """What an import keeps between runs cannot be read or written."""

    exit_code = ExitCode.OUTPUT


class SourceError(ClientError):
    """What is to be imported cannot be read, or not to its end."""

    exit_code = ExitCode.SOURCE


class SourceLostError(SourceError):
    """The same, for a reason that may pass.

    Args:
        message: For a person.
        status: HTTP status of the external system's answer; 0 without one.
        retry_after: Its Retry-After header.
    """

    def __init__(self, message: str, status: int = 0, retry_after: str = "") -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(message)


class LockedError(ClientError):
    """Another run of the same import is under way."""

    exit_code = ExitCode.LOCKED
