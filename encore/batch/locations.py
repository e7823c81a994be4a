"""Errors of a batch's operations, located in the batch: ``operations[3].body.name``."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException

from encore.batch.body import HEADERS, BatchOperation
from encore.batch.references import Reference
from encore.batch.results import FIRST_ERROR, Result
from encore.errors import (
    ApiError,
    BadRequest,
    Conflict,
    FailedDependency,
    FieldError,
    InternalError,
    InvalidQuery,
    MalformedBody,
    PayloadTooLarge,
)

_OF_RESOURCE: Final = ("etag", "last-modified", "allow", "location")
"""Headers of an error that describe the resource of the operation, not the batch."""


class InvalidOperation(BadRequest):
    """400: a batch cannot run an operation."""


class MissingResult(FailedDependency):
    """424: an operation refers to the result of one that has failed."""


def invalid_operation(operation: BatchOperation, field: str, requirement: str) -> InvalidOperation:
    """Return the error of an operation that a batch cannot run.

    Args:
        operation: The operation.
        field: Where it is, below the operation: ``path``, ``body.part.id``.
        requirement: What is wrong.
    """
    message = f"{operation.name}.{field} {requirement}"
    return InvalidOperation(message, [{"field": f"{operation.name}.{field}", "message": message}])


def missing_result(operation: BatchOperation, reference: Reference) -> MissingResult:
    """Return the error of an operation that refers to the result of one that has failed."""
    field = f"{operation.name}.{reference.field}"
    message = f"{field} refers to {reference}, but the operation {reference.operation} has failed"
    return MissingResult(message, [{"field": field, "message": message}])


def located(error: Exception, operation: BatchOperation) -> ApiError:
    """Return the error of an operation as the batch's: its ``errors`` name the operation.

    Its status, type and detail stay. Headers that describe the operation's resource are in the
    member ``operation`` of the problem document.
    """
    match error:
        case ApiError():
            problem = error
        case HTTPException():  # A hook raised a redirection, which rolls back.
            problem = Conflict("The operation was redirected, which a batch does not follow")
            problem.__cause__ = error
        case _:
            problem = InternalError()
            problem.__cause__ = error
    if not isinstance(problem, InvalidOperation | MissingResult):  # Located already.
        own = [_locate(found, problem, operation) for found in problem.errors]
        place = ".body" if isinstance(problem, MalformedBody | PayloadTooLarge) else ""
        whole = {"field": operation.name + place, "message": str(problem.message)}
        problem.errors = own or [whole]
    moved = {k: v for k, v in problem.headers.items() if k.lower() in _OF_RESOURCE}
    for name in moved:
        del problem.headers[name]
    details = {"headers": moved} if moved else {}
    problem.extensions = {**(problem.extensions or {}), "operation": _named(operation, details)}
    return problem


def failed(result: Result, operation: BatchOperation) -> ApiError:
    """Return the error of an operation whose hooks made a response that makes the batch fail.

    The response is in the member ``operation`` of the problem document.
    """
    status = result.status
    if status >= FIRST_ERROR:
        problem = ApiError.for_status(status, f"{operation.name} was answered with {status}")
    else:
        problem = Conflict(f"{operation.name} failed, and was answered with {status}")
    problem.errors = [{"field": operation.name, "message": problem.message}]
    details = {"status": status, "headers": result.headers, "body": result.body}
    problem.extensions = {"operation": _named(operation, details)}
    return problem


def _named(operation: BatchOperation, details: Mapping[str, Any]) -> dict[str, Any]:
    id_ = {} if operation.id is None else {"id": operation.id}
    return {"index": operation.index, **id_, **details}


def _locate(found: FieldError | str, problem: ApiError, operation: BatchOperation) -> FieldError:
    if isinstance(found, str):
        field, message = found, str(problem.message)
    else:
        field, message = found["field"], found["message"]
    return {"field": operation.name + _place(field, problem, operation), "message": message}


def _place(field: str, problem: ApiError, operation: BatchOperation) -> str:
    """Return where a field is, below the operation."""
    if field.lower() in HEADERS:
        return f".headers.{HEADERS[field.lower()]}"
    if isinstance(problem, InvalidQuery):
        return ".path"
    if operation.body is None:  # A 400 concerns the query, others the row.
        return ".path" if problem.status == BadRequest.status else ""
    return f".body{field}" if field[:1] == "[" else f".body.{field}"
