"""Errors that a caller receives: each class fixes status, ``type`` and title of its response.

A class fixes status, ``type`` and title; an instance adds what happened. The body is an RFC 9457
problem (``application/problem+json``) that also carries Finale's members::

    {"type": "urn:problem-type:not-found", "title": "Not Found", "status": 404,
     "detail": "Not Found", "instance": "/parts/7", "request_id": "6f0c…",
     "message": "Not Found", "errors": []}

``errors`` is Finale's: a list of ``{"field", "message"}``, or of plain names. The 401 of an invalid
token also has ``hint``. The tree of classes
is drawn in ``encore.errors``; ``encore.http.error_handling`` sends them.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar, Final

import msgspec

TYPE_PREFIX: Final = "urn:problem-type:"
CONTENT_TYPE: Final = b"application/problem+json"

FieldError = Mapping[str, str]
"""``{"field": name, "message": message}``, Finale's format."""


class ApiError(Exception):
    """An error that is sent to the caller in full.

    Args:
        message: What is wrong, for people; becomes ``detail`` and Finale's ``message``.
        errors: ``[{"field", "message"}]``, or names.
        headers: Response headers that belong to the error (``Allow``, ``Retry-After`` …).
        reason: A code for the log only; never sent.

    Attributes:
        hint: How to find out more, for people; its member is left out if there is none.
        detail: The message, or the ``detail`` of FastAPI's ``HTTPException``, of any JSON type.
        extensions: Further members of the problem document (RFC 9457, section 3.2).
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal Server Error"
    hint: str | None = None
    extensions: Mapping[str, Any] | None = None

    def __init__(
        self,
        message: str | None = None,
        errors: Sequence[FieldError | str] = (),
        *,
        headers: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        self.message = message or self.title
        self.detail: Any = self.message
        self.errors = errors
        self.headers = dict(headers or {})
        self.reason = reason or self.slug
        super().__init__(self.message)

    @staticmethod
    def for_status(
        status: int,
        message: str | None = None,
        errors: Sequence[FieldError | str] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> "ApiError":
        """Return an error of any 4xx or 5xx status, as Finale's ``context.error`` does.

        Args:
            status: The HTTP status; it determines type and title.
            message: What is wrong; by default the phrase of the status.
            errors: ``[{"field", "message"}]``, or names.
            headers: Response headers that belong to the error.

        Raises:
            ValueError: The status is not 4xx or 5xx.
            TypeError: ``errors`` is not a list.
        """
        if isinstance(errors, str | Mapping):
            raise TypeError("errors must be a list of names or of {field, message}")
        return _class_for_status(status)(message, errors, headers=headers)

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the members of the problem document, in the order in which they are sent."""
        members = {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
            "message": self.message,
            "errors": self.errors,
        }
        if self.hint is not None:
            members["hint"] = self.hint
        return members if self.extensions is None else {**members, **self.extensions}

    def render(self, instance: str, request_id: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Return the headers and the body of the response.

        Args:
            instance: The path of the request.
            request_id: The id of the request in the log.
        """
        body = msgspec.json.encode(self.problem(instance, request_id))
        headers = [
            (b"content-type", CONTENT_TYPE),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *((k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in self.headers.items()),
        ]
        return headers, body


class BadRequest(ApiError):
    """400: the request is malformed."""

    status = 400
    slug = "bad-request"
    title = "Bad Request"


class MalformedBody(BadRequest):
    """400: the body is not JSON, or JSON of another type than expected."""

    slug = "malformed-body"
    title = "Malformed body"


class ValidationFailed(BadRequest):
    """400: a value does not fit its column; ``errors`` names each field."""

    slug = "validation-failed"
    title = "Validation failed"


class InvalidQuery(BadRequest):
    """400: a query parameter is unknown or its value is invalid; ``errors`` names it."""

    slug = "invalid-query"
    title = "Invalid query"


class InvalidRequest(BadRequest):
    """400: the token was not sent as RFC 6750 prescribes (``invalid_request``)."""

    slug = "invalid-request"
    title = "Invalid request"


class Unauthorized(ApiError):
    """401: no valid token; the title is that of Auth0's sample."""

    status = 401
    slug = "invalid-token"
    title = "Missing or invalid token"


class Forbidden(ApiError):
    """403: a valid token that does not allow this operation."""

    status = 403
    slug = "forbidden"
    title = "Forbidden"


class NotFound(ApiError):
    """404: the route or the row does not exist."""

    status = 404
    slug = "not-found"
    title = "Not Found"


class MethodNotAllowed(ApiError):
    """405: the route exists, the method does not; ``Allow`` lists those that do."""

    status = 405
    slug = "method-not-allowed"
    title = "Method Not Allowed"


class NotAcceptable(ApiError):
    """406: the caller accepts none of the media types that the operation produces."""

    status = 406
    slug = "not-acceptable"
    title = "Not Acceptable"


class Conflict(ApiError):
    """409: the row would break a unique or foreign key; ``errors`` names the field."""

    status = 409
    slug = "conflict"
    title = "Conflict"


class RefusedByDatabase(Conflict):
    """409: a trigger, rule or policy of the database refuses the change, and would do so again."""

    slug = "refused-by-database"
    title = "Refused by the database"


class IdempotencyKeyInUse(Conflict):
    """409: a request with this idempotency key is in progress; ``Retry-After`` says how long."""

    slug = "idempotency-key-in-use"
    title = "Idempotency key in use"

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is in progress; send this one again later",
            headers={"Retry-After": "1"},
        )


class HistoryUnavailable(ApiError):
    """410: the state at that time is unknown, or its record has been deleted."""

    status = 410
    slug = "history-unavailable"
    title = "History unavailable"


class PreconditionFailed(ApiError):
    """412: the row is not in the state that the caller requires."""

    status = 412
    slug = "precondition-failed"
    title = "Precondition Failed"


class FailedDependency(ApiError):
    """424: an operation of a batch refers to the result of one that has failed."""

    status = 424
    slug = "failed-dependency"
    title = "Failed Dependency"


class PreconditionRequired(ApiError):
    """428: the request must say which version of the row it is based on (RFC 6585, section 3)."""

    status = 428
    slug = "precondition-required"
    title = "Precondition Required"


class RequestTimeout(ApiError):
    """408: the body arrived too slowly, or not at all."""

    status = 408
    slug = "request-timeout"
    title = "Request Timeout"

    def __init__(self) -> None:
        super().__init__("The body did not arrive in time")


class PayloadTooLarge(ApiError):
    """413: the body is larger than this service reads."""

    status = 413
    slug = "payload-too-large"
    title = "Payload Too Large"


class UnsupportedMediaType(ApiError):
    """415: the operation does not accept bodies of this media type."""

    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported Media Type"


class IdempotencyKeyReused(ApiError):
    """422: another request has used this idempotency key."""

    status = 422
    slug = "idempotency-key-reused"
    title = "Idempotency key reused"


class TooManyRequests(ApiError):
    """429: too many requests of one caller; ``Retry-After`` says when to retry."""

    status = 429
    slug = "too-many-requests"
    title = "Too Many Requests"


class ClientClosedRequest(ApiError):
    """499: the client disconnected before the response, so the work was cancelled.

    It is never sent; the status, which is nginx's, is for the log.
    """

    status = 499
    slug = "client-closed-request"
    title = "Client Closed Request"


class InternalError(ApiError):
    """500: a defect of the service; the body hides it, the log has it under the request id."""

    def __init__(self) -> None:
        super().__init__("internal error")


class ServiceUnavailable(ApiError):
    """503: a dependency is unavailable for now; ``Retry-After`` is in seconds."""

    status = 503
    slug = "service-unavailable"
    title = "Service Unavailable"


class Declined(ServiceUnavailable):
    """503 by decision, before any work was done: the log does not report it as a failure."""


class Overloaded(Declined):
    """503: too many requests are in progress."""

    def __init__(
        self,
        message: str = "Too many requests are being handled; try again later",
        *,
        reason: str = "overloaded",
    ) -> None:
        super().__init__(message, headers={"Retry-After": "1"}, reason=reason)


class Draining(Declined):
    """503: the service is shutting down, and serves until load balancers have noticed."""

    def __init__(self) -> None:
        super().__init__("The service is shutting down", reason="draining")


class OutcomeUnknown(ServiceUnavailable):
    """503: the connection broke during a commit, so the change may or may not have been made.

    It has no ``Retry-After``: by RFC 9110 (9.2.2) clients retry only what is known to be safe.
    """

    slug = "outcome-unknown"
    title = "Outcome Unknown"


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    error.status: error
    for error in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        PreconditionFailed,
        PayloadTooLarge,
        UnsupportedMediaType,
        PreconditionRequired,
        TooManyRequests,
        ApiError,
        ServiceUnavailable,
    )
}


@cache
def _class_for_status(status: int) -> type[ApiError]:
    """Return the class of a status; other statuses get a class named by their HTTP phrase."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if not HTTPStatus.BAD_REQUEST <= status < 600:  # noqa: PLR2004 - end of 5xx
        raise ValueError(f"{status} is not an error status: it must be from 400 to 599")
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = f"Status {status}"
    slug = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
    return type(f"Status{status}", (ApiError,), {"status": status, "slug": slug, "title": title})
