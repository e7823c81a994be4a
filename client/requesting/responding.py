"""Printing a response: JSON in the chosen format, streams and other bodies as they are."""

from collections.abc import Callable
from typing import Any, Final, cast

from client.environment import Environment
from client.errors import OutputError
from client.output.destination import Destination
from client.output.writer import Writer
from client.requesting.messages import Request, Response, is_json_type
from client.requesting.options import RequestOptions
from encore.client.errors import UnexpectedResponseError
from encore.client.responses import parse_body
from encore.client.urls import origin

_BINARY_PROBE: Final = 4096
_UNSPECIFIC: Final = frozenset({"", "text/plain", "application/octet-stream"})
"""Media types that servers send which do not know that a body is JSON."""


def print_response(
    request: Request,
    response: Response,
    options: RequestOptions,
    *,
    destination: Destination,
    writer: Writer,
    send: Callable[[Request], Response],
    environment: Environment,
) -> None:
    """Write a successful response.

    Args:
        request: Its request.
        response: The response.
        options: How it is written.
        destination: Where it is written to.
        writer: The writer of the format.
        send: Sends the request of another page.
        environment: Where notes are written to.

    Raises:
        ClientError: It cannot be written in this format, or not all of it arrives.
    """
    if options.output_format in {"csv", "ndjson"}:
        from client.requesting.streams import is_stream  # noqa: PLC0415 - start-up.

        if is_stream(response, options.output_format):
            for chunk in response.iter_bytes():
                destination.write(chunk)
            return
    if not _may_be_json(response) and not options.follow_pages and options.output_format == "json":
        _write_as_it_is(response, destination)
        return
    value = _parse(request, response)
    if value is _EMPTY and (options.follow_pages or options.output_format in {"csv", "ndjson"}):
        raise UnexpectedResponseError(
            f"{origin(request.url)} responded {response.status_code} without a body: there are no"
            " rows to write."
        )
    if value is _EMPTY:
        environment.note(f"{response.status_code} {response.reason_phrase}, without a body.")
    elif options.follow_pages:
        _write_all(request, response, writer, send)
    elif isinstance(value, list):
        _write_rows(value, writer, as_value=options.output_format == "json")
        if rest := _describe_rest(response, len(value)):
            environment.echo_err(rest)
    else:
        writer.write_value(value)


_EMPTY: Final = object()
"""Distinguishes "no body" from the JSON value null, which is printed."""


def _parse(request: Request, response: Response) -> Any:
    """Return the value of the body, or ``_EMPTY``. Raise ``UnexpectedResponseError``."""
    if not response.content:
        return _EMPTY
    try:
        # The function uses what an httpx.Response has and ours has too.
        return parse_body(cast("Any", response))
    except ValueError as error:
        media_type = response.headers.get("content-type", "no content type")
        raise UnexpectedResponseError(
            f"{origin(request.url)} responded {response.status_code} with a body that is not JSON"
            f" ({media_type})."
        ) from error


def _write_rows(rows: list[Any], writer: Writer, *, as_value: bool) -> None:
    if as_value:
        writer.write_value(rows)
        return
    writer.write_rows(rows)
    writer.end_rows()


def _describe_rest(response: Response, rows: int) -> str:
    if not any(map(response.headers.get, ("link", "content-range", "x-total-count"))):
        return ""
    from client.requesting.pages import describe_rest  # noqa: PLC0415 - start-up.

    return describe_rest(response, rows)


def _write_all(
    request: Request, response: Response, writer: Writer, send: Callable[[Request], Response]
) -> None:
    from client.requesting.pages import iterate_pages  # noqa: PLC0415 - start-up.

    def parse_rows(page: Response) -> list[Any]:
        rows = _parse(request, page)
        if not isinstance(rows, list):
            raise UnexpectedResponseError(
                "The response is not a list: --all has no pages to follow."
            )
        return rows

    for rows in iterate_pages(request, response, parse_rows, send):
        writer.write_rows(rows)
    writer.end_rows()


def _may_be_json(response: Response) -> bool:
    """Return whether a body is JSON by its media type, or may be: servers without one send it."""
    if is_json_type(response.media_type):
        return True
    if response.media_type not in _UNSPECIFIC:
        return False
    try:
        return not response.content or parse_body(cast("Any", response)) is not _EMPTY
    except ValueError:
        return False


def _write_as_it_is(response: Response, destination: Destination) -> None:
    """Write a body that is not JSON: bytes, or on a terminal text without control characters.

    Raises:
        OutputError: It is binary, and the destination is a terminal.
    """
    if not destination.is_terminal:
        for chunk in response.iter_bytes():
            destination.write(chunk)
        return
    try:
        text = response.content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text[:_BINARY_PROBE]:
        media_type = response.headers.get("content-type", "no content type")
        raise OutputError(
            f"The response is binary ({media_type}), which is not written to a terminal: write it"
            " to a file with --output FILE."
        )
    destination.write(response.content)
    if not text.endswith("\n"):
        destination.write("\n")
