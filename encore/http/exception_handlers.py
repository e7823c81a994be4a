"""An application's exception handlers: ``@app.exception_handler(...)``, as in Starlette.

A handler is registered for a status or for a class of exceptions. Handlers of statuses come first,
for ``HTTPException`` and ``ApiError``; then those of the exception's class and its bases. A handler
of ``Exception`` handles only exceptions without another handler.
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
"""By status or class of exceptions, like ``FastAPI.exception_handlers``."""

_FASTAPI_DEFAULTS: Final = (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
"""Handlers that FastAPI registers itself; problem documents replace them."""

_HANDLED: Final = (ApiError, HTTPException, RequestValidationError)


def find_handler(error: Exception, handlers: Handlers) -> Any | None:
    """Return the application's handler of an error; None without one."""
    handler = None
    if isinstance(error, ApiError | HTTPException):
        status = error.status if isinstance(error, ApiError) else error.status_code
        handler = handlers.get(status)
    for class_ in type(error).__mro__:
        if handler is not None:
            break
        handler = handlers.get(class_)
        if class_ in _HANDLED:
            break
    if handler is None and not isinstance(error, _HANDLED):
        handler = handlers.get(500)
    return None if handler in _FASTAPI_DEFAULTS else handler


async def call_handler(handler: Any, error: Exception, scope: Scope, receive: Receive) -> ASGIApp:
    """Call a handler, a synchronous one in a thread; return its response.

    Raises:
        TypeError: It did not return a response.
    """
    request = Request(scope, receive)
    if is_async_callable(handler):
        result: Any = await handler(request, error)
    else:
        result = await run_in_threadpool(handler, request, error)
    if not callable(result):
        raise TypeError("an exception handler must return a response")
    response: ASGIApp = result
    return response
