"""All errors that a caller of the client can cause or meet.

The message of an error is for people; it never contains a secret or a token.

The tree::

    ClientError
    ├── UsageError                  the arguments of a call
    ├── ConfigurationError          the settings
    ├── InsecureError               http:// to another machine
    ├── NetworkError                unreachable, TLS, connection lost
    │   └── NetworkTimeoutError     no response in time
    ├── IssuerError                 no token
    ├── ApiError                    the API's own error response
    │   ├── ApiRejectedError        4xx
    │   │   ├── BadRequest                  400
    │   │   ├── Unauthorized                401
    │   │   ├── Forbidden                   403
    │   │   ├── NotFound                    404
    │   │   ├── MethodNotAllowed            405
    │   │   ├── NotAcceptable               406
    │   │   ├── Conflict                    409
    │   │   ├── Gone                        410
    │   │   ├── PreconditionFailed          412
    │   │   ├── ContentTooLarge             413
    │   │   ├── UnsupportedMediaType        415
    │   │   ├── UnprocessableContent        422
    │   │   ├── FailedDependency            424
    │   │   ├── PreconditionRequired        428
    │   │   ├── TooManyRequests             429
    │   │   └── BatchFailed             operations of a batch that is not atomic failed
    │   └── ApiServerError          5xx
    │       └── ServiceUnavailable          503
    └── UnexpectedResponseError     not what the API sends: a redirect, or not JSON
        └── NotModified             304, which ``if_none_match`` asks for
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final


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


class NetworkTimeoutError(NetworkError):
    """No response in time, or the rest of one."""


class IssuerError(ClientError):
    """The issuer responded, but without a token."""


class ApiError(ClientError):
    """The API responded with an error; the message is its own.

    Attributes:
        problem: The members of the response (RFC 9457), such as the rejected rows of an upload;
            empty if it is not JSON.
    """

    problem: Mapping[str, Any] = MappingProxyType({})

    @property
    def type(self) -> str:
        """The kind of error, such as ``urn:problem-type:conflict``; empty if it has none."""
        return self._text("type")

    @property
    def detail(self) -> str:
        """What is wrong with this request, for people; empty if the API does not say."""
        return self._text("detail")

    @property
    def request_id(self) -> str:
        """The id of the request in the API's log; empty if it has none."""
        return self._text("request_id")

    @property
    def errors(self) -> dict[str, list[str]]:
        """Messages by the field that they are about; a field may have none."""
        fields: dict[str, list[str]] = {}
        listed = self.problem.get("errors")
        for error in listed if isinstance(listed, list) else ():
            if isinstance(error, str):
                fields.setdefault(error, [])
            elif isinstance(error, dict) and "field" in error:
                fields.setdefault(str(error["field"]), []).append(str(error.get("message", "")))
        return fields

    def _text(self, name: str) -> str:
        value = self.problem.get(name)
        return value if isinstance(value, str) else ""


class ApiRejectedError(ApiError):
    """The API responded 4xx."""


class BadRequest(ApiRejectedError):
    """400: the query or the body is invalid; ``errors`` says which fields."""


class Unauthorized(ApiRejectedError):
    """401: the token is invalid, or missing."""


class Forbidden(ApiRejectedError):
    """403: the token lacks a scope, or the row may not be changed."""


class NotFound(ApiRejectedError):
    """404: the row, or the path, does not exist."""


class MethodNotAllowed(ApiRejectedError):
    """405: the resource does not have this action."""


class NotAcceptable(ApiRejectedError):
    """406: the resource does not have this format, such as streams."""


class Conflict(ApiRejectedError):
    """409: another row has this unique value, or the rows are in use."""


class Gone(ApiRejectedError):
    """410: what was there is gone for good."""


class PreconditionFailed(ApiRejectedError):
    """412: the row is not the one that ``if_match`` names; read it again."""


class ContentTooLarge(ApiRejectedError):
    """413: the body has too many bytes or rows."""


class UnsupportedMediaType(ApiRejectedError):
    """415: the body has a media type that the operation does not read."""


class UnprocessableContent(ApiRejectedError):
    """422: the idempotency key belongs to another request."""


class FailedDependency(ApiRejectedError):
    """424: an operation of the batch that this one refers to failed."""


class PreconditionRequired(ApiRejectedError):
    """428: the resource demands ``if_match``."""


class TooManyRequests(ApiRejectedError):
    """429: send it again after ``retry_after`` seconds."""


class ApiServerError(ApiError):
    """The API responded 5xx."""


class ServiceUnavailable(ApiServerError):
    """503: send it again after ``retry_after``."""


class UnexpectedResponseError(ClientError):
    """A response that the API does not send: a redirect, or a body that is not JSON."""


class NotModified(UnexpectedResponseError):
    """304: the row or the page is still the one that ``if_none_match`` names."""


class BatchFailed(ApiRejectedError):
    """Operations of a batch that is not atomic failed; the others were carried out.

    Attributes:
        operations: All operations (``BatchOperation``) in their order, with ``status`` and
            ``result`` or ``error``.
    """

    operations: Sequence[Any] = ()


_CLASSES: Final[Mapping[int, type[ApiError]]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    413: ContentTooLarge,
    415: UnsupportedMediaType,
    422: UnprocessableContent,
    424: FailedDependency,
    428: PreconditionRequired,
    429: TooManyRequests,
    503: ServiceUnavailable,
}

_SERVER_ERROR: Final = 500


def api_error_class(status: int) -> type[ApiError]:
    """Return the class of an error response, by its status."""
    default = ApiServerError if status >= _SERVER_ERROR else ApiRejectedError
    return _CLASSES.get(status, default)
