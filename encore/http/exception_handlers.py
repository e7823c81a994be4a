"""An application's own exception handlers: ``@app.exception_handler(...)``, as Starlette has them.

A handler is registered for a status or for a class of exceptions. Handlers of statuses are asked
first, for ``HTTPException`` and for our own errors; then those of the exception's class and its
bases. A handler of ``Exception`` answers only for what nothing else answers for.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError
from starlette._utils import is_async_callable
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope

from encore.errors import ApiError

Handlers = Mapping[Any, Any]
"""By status or class of exceptions, as ``FastAPI.exception_handlers`` has them."""

_FASTAPIS: Final = (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
"""What FastAPI registers itself: here problem documents take their place."""

_ANSWERED: Final = (ApiError, HTTPException, RequestValidationError)


def find_handler(error: Exception, handlers: Handlers) -> Any | None:
    """Return the application's handler of an error; None if it has none."""
    handler = None
    if isinstance(error, ApiError | HTTPException):
        status = error.status if isinstance(error, ApiError) else error.status_code
        handler = handlers.get(status)
    for kind in type(error).__mro__:
        if handler is not None:
            break
        handler = handlers.get(kind)
        if kind in _ANSWERED:
            break
    if handler is None and not isinstance(error, _ANSWERED):
        handler = handlers.get(500)
    return None if handler in _FASTAPIS else handler


async def call_handler(handler: Any, error: Exception, scope: Scope, receive: Receive) -> ASGIApp:
    """Call a handler, a plain function in a thread; return its response."""
    request = Request(scope, receive)
    if is_async_callable(handler):
        response: Any = await handler(request, error)
    else:
        response = await run_in_threadpool(handler, request, error)
    if not callable(response):
        raise TypeError("an exception handler must return a response")
    answer: ASGIApp = response
    return answer
