"""The error tree: every exception that the author of a service raises or catches.

The tree, by who has to act on an error::

    Exception
    ├── ApiError                        the caller: sent as a problem document (``problems``)
    │   ├── BadRequest              400
    │   │   ├── MalformedBody       400   invalid JSON, or JSON of another type than expected
    │   │   ├── ValidationFailed    400   values that do not fit their columns
    │   │   ├── InvalidQuery        400   unknown or invalid query parameters
    │   │   └── InvalidRequest      400   RFC 6750 ``invalid_request``
    │   ├── Unauthorized            401   RFC 6750, with a challenge
    │   ├── Forbidden               403
    │   ├── NotFound                404
    │   ├── MethodNotAllowed        405   with ``Allow``
    │   ├── NotAcceptable           406   ``Accept`` excludes every available media type
    │   ├── RequestTimeout          408
    │   ├── Conflict                409   unique and foreign keys, with the field
    │   │   ├── RefusedByDatabase   409   a trigger or rule in the database
    │   │   └── IdempotencyKeyInUse 409   a request with the key is in progress
    │   ├── HistoryUnavailable      410   the state at that time is unknown
    │   ├── PreconditionFailed      412
    │   ├── PayloadTooLarge         413
    │   ├── UnsupportedMediaType    415
    │   ├── IdempotencyKeyReused    422   the key belongs to another request
    │   ├── FailedDependency        424   an operation of a batch needs one that failed
    │   ├── PreconditionRequired    428   the version of the row is missing
    │   ├── TooManyRequests         429   with ``Retry-After``
    │   ├── ClientClosedRequest     499   the client has disconnected: for the log only
    │   ├── InternalError           500   does not disclose its cause
    │   └── ServiceUnavailable      503   with ``Retry-After``
    │       ├── Declined            503   rejected before any work was done
    │       │   ├── Overloaded      503   too many concurrent requests
    │       │   └── Draining        503   the service is shutting down
    │       └── OutcomeUnknown      503   the commit may have succeeded: read before a retry
    ├── ConfigurationError              the author: an option of a resource is invalid
    ├── RouteError                      the author: a route cannot be served
    │   ├── UndeclaredAccess                it does not declare who may call it
    │   ├── UnsupportedRoute                its type is not supported
    │   └── MissingAuthentication           no middleware verifies its callers
    ├── HookError                       the author: a hook's code is wrong; logged, 500
    │   └── UnknownAttribute                it names an attribute that does not exist
    ├── StartupError                    the operator: the process cannot start; one line
    │   └── SettingsError                   a setting is missing or invalid
    └── LookupError
        └── InvalidOption                   an option names something that the model lacks

Database errors are in ``encore.database.errors``; the engine maps them to an ``ApiError``.
"""

from encore.errors.configuration import (
    ConfigurationError,
    InvalidOption,
    MissingAuthentication,
    RouteError,
    UndeclaredAccess,
    UnsupportedRoute,
)
from encore.errors.hooks import HookError, UnknownAttribute
from encore.errors.problems import (
    CONTENT_TYPE,
    TYPE_PREFIX,
    ApiError,
    BadRequest,
    ClientClosedRequest,
    Conflict,
    Declined,
    Draining,
    FailedDependency,
    FieldError,
    Forbidden,
    HistoryUnavailable,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InternalError,
    InvalidQuery,
    InvalidRequest,
    MalformedBody,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    RefusedByDatabase,
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
)
from encore.errors.startup import SettingsError, StartupError

__all__ = [
    "CONTENT_TYPE",
    "TYPE_PREFIX",
    "ApiError",
    "BadRequest",
    "ClientClosedRequest",
    "ConfigurationError",
    "Conflict",
    "Declined",
    "Draining",
    "FailedDependency",
    "FieldError",
    "Forbidden",
    "HistoryUnavailable",
    "HookError",
    "IdempotencyKeyInUse",
    "IdempotencyKeyReused",
    "InternalError",
    "InvalidOption",
    "InvalidQuery",
    "InvalidRequest",
    "MalformedBody",
    "MethodNotAllowed",
    "MissingAuthentication",
    "NotAcceptable",
    "NotFound",
    "OutcomeUnknown",
    "Overloaded",
    "PayloadTooLarge",
    "PreconditionFailed",
    "PreconditionRequired",
    "RefusedByDatabase",
    "RequestTimeout",
    "RouteError",
    "ServiceUnavailable",
    "SettingsError",
    "StartupError",
    "TooManyRequests",
    "Unauthorized",
    "UndeclaredAccess",
    "UnknownAttribute",
    "UnsupportedMediaType",
    "UnsupportedRoute",
    "ValidationFailed",
]
