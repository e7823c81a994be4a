"""Sends requests of a client without tasks: authenticated, retried, with our errors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from encore.client.core import ClientCore
from encore.client.errors import ClientError
from encore.client.lean_httpx import httpx
from encore.client.requests import Call, Request
from encore.client.responses import check_response
from encore.client.row_stream import RowStream
from encore.client.transport import translated_errors

_T = TypeVar("_T")


class Sender:
    """Sends requests.

    Args:
        core: What is common with the client of tasks.
        http: The client of httpx.
    """

    def __init__(self, core: ClientCore, http: httpx.Client) -> None:
        self._core = core
        self._http = http

    def run(self, call: Call[_T]) -> _T:
        """Send a call's request and return its result."""
        return call.parse(self.exchange(call.request))

    def exchange(self, request: Request, *, stream: bool = False) -> httpx.Response:
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
                time.sleep(step)
                step = next(steps)
                continue
            try:
                response = self._send(step, stream=stream)
            except ClientError as error:
                step = steps.throw(error)
                continue
            try:
                step = steps.send(response)
            except StopIteration:
                return response
            response.close()

    @contextmanager
    def open(self, request: Request) -> Iterator[httpx.Response]:
        """Send a request; yield the successful response, whose body is left to be read."""
        response = self.exchange(request, stream=True)
        try:
            if not response.is_success:
                with translated_errors(self._core.base_url):
                    response.read()
                check_response(response)
            yield response
        finally:
            response.close()

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """Return the chunks of a response as they arrive."""
        with translated_errors(self._core.base_url):
            yield from response.iter_bytes()

    def _send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            with translated_errors(self._core.base_url):
                response = self._http.send(request, stream=stream)
        except ClientError:
            if isinstance(request.stream, RowStream) and request.stream.error is not None:
                raise request.stream.error from None
            raise
        # It would have the response of the issuer, and so the token.
        response.history = []
        return response


class HasSender(Protocol):
    """A client, for its resources."""

    @property
    def sender(self) -> Sender:
        """Sends the requests."""
