"""All errors that a caller of the client can cause or meet.

The message of an error is for people; it never contains a secret or a token.

The tree::

    ClientError
    ├── UsageError                  the arguments of a call
    ├── ConfigurationError          the settings
    ├── InsecureError               http:// to another machine
    ├── NetworkError                unreachable, TLS, timeout, connection lost
    ├── IssuerError                 no token
    ├── ApiError                    the API's own error response
    │   ├── ApiRejectedError        4xx
    │   └── ApiServerError          5xx
    └── UnexpectedResponseError     a redirect, or not JSON
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class ClientError(Exception):
    """A failure that can be explained to the user in a few lines.

    Args:
        message: For the user.
        status: The HTTP status of the response behind it; 0 without one.
        retry_after: That response's Retry-After header.
    """

    def __init__(self, message: str, status: int = 0, retry_after: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class UsageError(ClientError):
    """The arguments are invalid; nothing was sent."""


class ConfigurationError(ClientError):
    """A setting is missing or malformed; nothing was sent."""


class InsecureError(ClientError):
    """A secret or token would be sent in clear to another machine; nothing was sent."""


class NetworkError(ClientError):
    """No response: unreachable, TLS failed, timed out, or the connection was lost."""


class IssuerError(ClientError):
    """The issuer responded, but without a token."""


class ApiError(ClientError):
    """The API responded with an error; the message is its own.

    Attributes:
        problem: The members of the response, such as the rejected rows of an upload.
    """

    problem: Mapping[str, Any] = MappingProxyType({})


class ApiRejectedError(ApiError):
    """The API responded 4xx."""


class ApiServerError(ApiError):
    """The API responded 5xx."""


class UnexpectedResponseError(ClientError):
    """A response that the API does not send: a redirect, or a body that is not JSON."""
