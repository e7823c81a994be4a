"""Sends requests of tasks: authenticated, retried, with our errors; otherwise as ``sender``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import anyio

from encore.client.core import ClientCore
from encore.client.errors import ClientError
from encore.client.lean_httpx import httpx
from encore.client.requests import Call, Request
from encore.client.responses import check_response
from encore.client.row_stream import RowStream
from encore.client.transport import translated_errors

_T = TypeVar("_T")


class AsyncSender:
    """Sends requests of tasks.

    Args:
        core: What is common with the client without tasks.
        http: The client of httpx.
    """

    def __init__(self, core: ClientCore, http: httpx.AsyncClient) -> None:
        self._core = core
        self._http = http

    async def run(self, call: Call[_T]) -> _T:
        """Send a call's request and return its result."""
        return call.parse(await self.exchange(call.request))

    async def exchange(self, request: Request, *, stream: bool = False) -> httpx.Response:
        """Send a request, repeatedly if need be, and return the response, whatever its status.

        Args:
            request: What to send.
            stream: Whether the body is left to be read.

        Raises:
            ClientError: No response, or no token.
        """
        steps = self._core.steps(self._http, request)
        step = next(steps)
        while True:
            if isinstance(step, float):
                await anyio.sleep(step)
                step = next(steps)
                continue
            try:
                response = await self._send(step, stream=stream)
            except ClientError as error:
                step = steps.throw(error)
                continue
            try:
                step = steps.send(response)
            except StopIteration:
                return response
            await response.aclose()

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[httpx.Response]:
        """Send a request; yield the successful response, whose body is left to be read."""
        response = await self.exchange(request, stream=True)
        try:
            if not response.is_success:
                with translated_errors(self._core.base_url):
                    await response.aread()
                check_response(response)
            yield response
        finally:
            await response.aclose()

    async def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Return the chunks of a response as they arrive."""
        with translated_errors(self._core.base_url):
            async for chunk in response.aiter_bytes():
                yield chunk

    async def _send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            with translated_errors(self._core.base_url):
                response = await self._http.send(request, stream=stream)
        except ClientError:
            if isinstance(request.stream, RowStream) and request.stream.error is not None:
                raise request.stream.error from None
            raise
        # It would have the response of the issuer, and so the token.
        response.history = []
        return response


class HasAsyncSender(Protocol):
    """A client, for its resources."""

    @property
    def sender(self) -> AsyncSender:
        """Sends the requests."""
