"""Failed runs: the rollback, the error for the caller, and the response that a service makes."""

import asyncio
import inspect
from http import HTTPStatus
from typing import Final

import structlog
from starlette.exceptions import HTTPException

from encore.database.errors import DatabaseError
from encore.database.protocol import Database
from encore.errors import ApiError, HookError, InternalError, OutcomeUnknown
from encore.execution.context import Context, Response
from encore.execution.error_mapping import map_database_error
from encore.execution.hooks import ErrorFormatter, as_response
from encore.execution.other_run import OtherRun
from encore.http.error_handling import error_from_http_exception

_log: Final = structlog.get_logger("encore.execution")

_ERRORS: Final = range(400, 600)
_WITH_KEY: Final = (
    "It is not known whether this change was made; send it again with the same Idempotency-Key"
)


async def undo(context: Context, error: Exception, database: Database) -> Exception:
    """Roll back; return the error for the caller."""
    try:
        await context.unit.close(error)
    except DatabaseError as failure:
        error = failure
    if isinstance(error, DatabaseError):
        api_error = await map_database_error(error, context, database)
        if context.idempotent_run is not None and isinstance(api_error, OutcomeUnknown):
            api_error = OutcomeUnknown(_WITH_KEY, headers={"Retry-After": "1"})
        api_error.__cause__ = error
        return context.resource.compatibility.convert_error(api_error)
    return error


def api_error(error: Exception) -> ApiError:
    """Return the error for the caller, and for the hooks of ``complete``."""
    match error:
        case ApiError():
            return error
        case OtherRun():
            return error.error
        case _:
            return InternalError()


async def formatted_error(
    context: Context, error: ApiError, formatter: ErrorFormatter | None
) -> Response | None:
    """Return the response that ``on_error`` makes of an error; None if there is none.

    Raises:
        HookError: The formatter returns no response; it is logged.
    """
    if formatter is None:
        return None
    try:
        formatted = formatter(context, error)
        if inspect.isawaitable(formatted):
            async with asyncio.timeout(context.resource.options.hook_seconds):
                formatted = await formatted
        return None if formatted is None else as_response(formatted)
    except HookError as hook_error:
        log_hook_error(context, hook_error)
        raise


def log_hook_error(context: Context, error: Exception) -> None:
    """Log the message of a ``HookError``: the renderer's log has no messages of exceptions."""
    if isinstance(error, HookError):
        names = {"resource": context.resource.name, "action": context.action}
        _log.error("invalid hook", **names, reason=str(error))


def log_failed_complete(error: Exception) -> None:
    """Log that a hook of ``complete`` has failed after another error, which is reported."""
    _log.warning("complete failed after an error", error=type(error).__name__)


def without_http_exception(error: Exception) -> Exception:
    """Convert an ``HTTPException`` that a hook raised; its status and detail stay.

    A redirection is returned as it is. Any other status is a ``HookError``: raising rolls back, so
    the response cannot report success.
    """
    if not isinstance(error, HTTPException):
        return error
    status = error.status_code
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return error
    converted: Exception
    if status in _ERRORS:
        converted = error_from_http_exception(error)
    else:
        converted = HookError(f"HTTPException({status}) is not an error: return stop(response)")
    converted.__cause__ = error
    return converted
