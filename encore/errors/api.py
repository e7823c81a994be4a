"""Every error a caller can meet, and the one renderer all of them leave by.

A class fixes status, ``type`` and title; an instance adds what happened. The body is an RFC 9457
problem (``application/problem+json``) that also carries Finale's members::

    {"type": "urn:problem-type:not-found", "title": "Not Found", "status": 404,
     "detail": "Not Found", "instance": "/parts/7", "request_id": "6f0c…",
     "message": "Not Found", "errors": []}

``errors`` is Finale's: a list of ``{"field", "message"}``, or of plain names.

The tree::

    ApiError
    ├── BadRequest              400
    │   ├── MalformedBody       400   not JSON, or not the shape asked for
    │   ├── ValidationFailed    400   values that the columns refuse
    │   ├── InvalidQuery        400   unknown or ill-typed query parameters
    │   └── InvalidRequest      400   RFC 6750 ``invalid_request``
    ├── Unauthorized            401   RFC 6750, with a challenge
    ├── Forbidden               403
    ├── NotFound                404
    ├── MethodNotAllowed        405   with ``Allow``
    ├── NotAcceptable           406   what there is, ``Accept`` rules out
    ├── Conflict                409   unique and foreign keys, with the field
    │   └── RefusedByDatabase   409   a trigger or rule in the database
    ├── PreconditionFailed      412
    ├── RequestTimeout          408
    ├── PayloadTooLarge         413
    ├── UnsupportedMediaType    415
    ├── IdempotencyKeyReused 422   the key was another request's
    ├── TooManyRequests         429   with ``Retry-After``
    ├── ClientClosedRequest     499   the caller has left: for the log alone
    ├── InternalError           500   says nothing of its cause
    └── ServiceUnavailable      503   with ``Retry-After``
        ├── Declined            503   too many requests, or about to stop
        └── OutcomeUnknown      503   the change may have been made: read before a retry
"""

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec

TYPE_PREFIX = "urn:problem-type:"
CONTENT_TYPE = b"application/problem+json"

FieldError = Mapping[str, str]
"""``{"field": name, "message": text}``, Finale's form."""


class ApiError(Exception):
    """A refusal that the caller may see, whole.

    Args:
        message: What was wrong, for a person; becomes ``detail`` and Finale's ``message``.
        errors: ``[{"field", "message"}]``, or names.
        headers: Response headers that belong to the refusal (``Allow``, ``Retry-After`` …).
        reason: A code for the log only; never sent.

    Attributes:
        detail: The message, or what FastAPI's ``HTTPException`` holds in its place.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal Server Error"

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
    def of(
        status: int,
        message: str | None = None,
        errors: Sequence[FieldError | str] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> "ApiError":
        """Make the error of any 4xx or 5xx status, as Finale's ``context.error`` does.

        Args:
            status: The HTTP status; it decides type and title.
            message: What was wrong; the status's own phrase if not given.
            errors: ``[{"field", "message"}]``, or names.
            headers: Response headers that belong to it.

        Raises:
            ValueError: The status is not an error's.
            TypeError: ``errors`` is not a list.
        """
        if isinstance(errors, str | Mapping):
            raise TypeError("errors must be a list of names or of {field, message}")
        return _class_of(status)(message, errors, headers=headers)

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Give the members of the problem document, in the order that they are sent."""
        return {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
            "message": self.message,
            "errors": self.errors,
        }

    def render(self, instance: str, request_id: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Give headers and body of the response.

        Args:
            instance: The path that was asked for.
            request_id: The id under which the log tells more.
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
    """400: the request cannot be understood."""

    status = 400
    slug = "bad-request"
    title = "Bad Request"


class MalformedBody(BadRequest):
    """400: the body is not JSON, or JSON of another shape than asked for."""

    slug = "malformed-body"
    title = "Malformed body"


class ValidationFailed(BadRequest):
    """400: a value does not fit its column; ``errors`` names each field."""

    slug = "validation-failed"
    title = "Validation failed"


class InvalidQuery(BadRequest):
    """400: a query parameter is unknown or its value does not fit; ``errors`` names it."""

    slug = "invalid-query"
    title = "Invalid query"


class InvalidRequest(BadRequest):
    """400: the way the token was sent breaks RFC 6750 (``invalid_request``)."""

    slug = "invalid-request"
    title = "Invalid request"


class Unauthorized(ApiError):
    """401: no valid token; the title is the Auth0 seed's."""

    status = 401
    slug = "invalid-token"
    title = "Missing or invalid token"


class Forbidden(ApiError):
    """403: a valid token that does not allow this operation."""

    status = 403
    slug = "forbidden"
    title = "Forbidden"


class NotFound(ApiError):
    """404: no such route, or no such row."""

    status = 404
    slug = "not-found"
    title = "Not Found"


class MethodNotAllowed(ApiError):
    """405: the route exists, the method does not; ``Allow`` lists those that do."""

    status = 405
    slug = "method-not-allowed"
    title = "Method Not Allowed"


class NotAcceptable(ApiError):
    """406: the caller accepts none of the media types that the operation answers with."""

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


class PreconditionFailed(ApiError):
    """412: the row is not in the state that the caller named."""

    status = 412
    slug = "precondition-failed"
    title = "Precondition Failed"


class RequestTimeout(ApiError):
    """408: the body came too slowly, or not at all."""

    status = 408
    slug = "request-timeout"
    title = "Request Timeout"

    def __init__(self) -> None:
        super().__init__("The body did not come in time")


class PayloadTooLarge(ApiError):
    """413: the body is larger than this service reads."""

    status = 413
    slug = "payload-too-large"
    title = "Payload Too Large"


class UnsupportedMediaType(ApiError):
    """415: the body is of a kind that this operation does not read."""

    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported Media Type"


class IdempotencyKeyReused(ApiError):
    """422: another request has used this idempotency key."""

    status = 422
    slug = "idempotency-key-reused"
    title = "Idempotency key reused"


class TooManyRequests(ApiError):
    """429: slower, please; ``Retry-After`` says when."""

    status = 429
    slug = "too-many-requests"
    title = "Too Many Requests"


class ClientClosedRequest(ApiError):
    """499: the caller left before there was an answer, so the work was ended.

    Nobody receives it. The status, which is nginx's, tells the log's reader why.
    """

    status = 499
    slug = "client-closed-request"
    title = "Client Closed Request"


class InternalError(ApiError):
    """500: a defect of ours. The body says nothing of it; the log has it under the request id."""

    def __init__(self) -> None:
        super().__init__("internal error")


class ServiceUnavailable(ApiError):
    """503: something we depend on is out of reach for now; ``Retry-After`` is in seconds."""

    status = 503
    slug = "service-unavailable"
    title = "Service Unavailable"


class Declined(ServiceUnavailable):
    """503 by decision, before any work was done: nothing has failed that the log should show."""


class Overloaded(Declined):
    """503: too many requests are under way."""

    def __init__(
        self,
        message: str = "Too many requests are being handled; try again later",
        *,
        reason: str = "overloaded",
    ) -> None:
        super().__init__(message, headers={"Retry-After": "1"}, reason=reason)


class Draining(Declined):
    """503: the service is about to stop, and serves on until load balancers have noticed."""

    def __init__(self) -> None:
        super().__init__("The service is shutting down", reason="draining")


class OutcomeUnknown(ServiceUnavailable):
    """503: the connection broke during a commit, so the change may have been made, or not.

    It has no ``Retry-After``: RFC 9110 (9.2.2) has clients repeat only what they know to be safe.
    """

    slug = "outcome-unknown"
    title = "Outcome Unknown"


_OF_STATUS: Mapping[int, type[ApiError]] = {
    kind.status: kind
    for kind in (
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
        TooManyRequests,
        ApiError,
        ServiceUnavailable,
    )
}


@cache
def _class_of(status: int) -> type[ApiError]:
    """Return the class of a status; one that has none here is named by its HTTP phrase."""
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if not HTTPStatus.BAD_REQUEST <= status < 600:  # noqa: PLR2004 - the end of 5xx
        raise ValueError(f"{status} is not the status of an error")
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = f"Status {status}"
    slug = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
    return type(f"Status{status}", (ApiError,), {"status": status, "slug": slug, "title": title})
