"""The pipeline of a stream: the steps that run once, and those that run for each page.

``start`` and ``auth`` run once, then the request is parsed. ``fetch``, ``data``, ``write`` and
``send`` run for each page, in a transaction per page, which ends before the page is sent.
``complete`` runs once, after the last page or after an error.

An error before the first page is sent is a response as in any list. After that the error is raised
and the connection is closed.
"""

from collections.abc import Awaitable, Callable

from starlette.types import Scope

from encore.database.protocol import Database
from encore.database.threads import short_switch_interval
from encore.errors import HookError
from encore.execution.conditional_requests import not_modified
from encore.execution.context import Response
from encore.execution.hooks import ActionHooks, Stop
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.execution.response_checks import check_response
from encore.execution.steps import run_steps
from encore.http.preconditions import judge_untagged, parse_preconditions
from encore.http.prefer_header import check_preferences
from encore.streams.context import PageContext, Stream
from encore.streams.formats import FORMATS
from encore.streams.page import StreamPage, cannot_stream

SendChunk = Callable[[bytes], Awaitable[None]]
"""Sends a chunk of the body; waits while buffers are full."""


class StreamPipeline(Pipeline):
    """Runs a list as a stream.

    Attributes:
        offered: The keys of ``FORMATS``; none if hooks replace ``fetch`` or ``send``, or run
            after ``send``: they make the response.
    """

    offered: tuple[str, ...]

    def __init__(self, resource: Resource, hooks: ActionHooks, database: Database) -> None:
        super().__init__(StreamPage(resource), hooks, database)

    def _compile(self) -> None:
        super()._compile()
        send, fetch = self._hooks.stage("send"), self._hooks.stage("fetch")
        has_response = send.replaced or send.actions or send.afters or fetch.replaced
        self.offered = () if has_response else tuple(FORMATS)

    async def open(self, scope: Scope, stream: Stream) -> PageContext | Response:
        """Run all steps up to the first page, which is not sent yet.

        Returns:
            The context of the first page; or the response of a hook.

        Raises:
            ApiError: As for any list.
        """
        page = PageContext(
            self._resource,
            self.action.name,
            scope,
            self._unit(),
            has_hooks=self.action.has_hooks,
            status=self.action.status,
            stream=stream,
        )
        try:
            stopped = await self._begin(page)
            if stopped is None:
                page = page.following(page.unit)
                stopped = await self._run_page(page)
            if stopped is not None:
                stopped = await self._run_complete(page) or stopped
            else:
                check_response(page.status, page.headers, page.body)
            await page.unit.close(None)
        except Exception as error:  # noqa: BLE001 - _fail answers for all of them
            return await self._fail(page, error)
        except BaseException as error:
            await page.unit.close(error)
            raise
        return page if stopped is None else stopped.response

    async def send_pages(self, page: PageContext, send: SendChunk) -> None:
        """Send the first page and all others; no connection is held while sending.

        Raises:
            Exception: The stream has failed.
        """
        stream = page.stream
        try:
            await send(page.take_body())
            while not stream.ended:
                page = page.following(self._unit())
                _check_goes_on(await self._run_page(page))
                await page.unit.close(None)
                await send(page.take_body())
            await self.complete(page)
            await send(stream.finish())
        except Exception as error:
            await self._fail(page, error)
            raise
        except BaseException as error:
            await page.unit.close(error)
            raise

    async def complete(self, page: PageContext) -> None:
        """Run the hooks of ``complete``, after the last page that is sent."""
        page.unit = self._unit()
        _check_goes_on(await self._run_complete(page))
        await page.unit.close(None)

    async def _begin(self, context: PageContext) -> Stop | None:
        """Run the steps that run once, before the first page."""
        check_preferences(context.scope)
        try:
            stopped = await self._run_early(context)
        except Stop as raised:
            return raised
        if stopped is None:
            self.action.parse_request(context)
            preconditions = parse_preconditions(context.scope)
            if preconditions is not None and judge_untagged(preconditions, reads=True):
                return not_modified()
        return stopped

    async def _run_page(self, page: PageContext) -> Stop | None:
        """Read and write one page."""
        try:
            with short_switch_interval.active():
                for steps in self._after_parsing:
                    if (stopped := await run_steps(steps, page)) is not None:
                        return stopped
        except Stop as raised:
            return raised
        if not page.written:
            raise cannot_stream("skip writing its rows")
        return None


def _check_goes_on(stopped: Stop | None) -> None:
    """Raise ``HookError`` if a hook has stopped with a response: the stream has begun already."""
    if stopped is not None:
        raise HookError("a hook stopped a stream that had begun: the connection is closed")
