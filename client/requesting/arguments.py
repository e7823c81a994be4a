"""Command-line arguments of a request: ``URL [METHOD] [JSON | @FILE | - | ITEM ...]``.

``URL [METHOD] [JSON]`` is that of the Okta sample. Everything that can be validated without the
network is validated here, so that nothing is sent of a request that is not understood.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from client import __version__
from client.environment import Environment
from client.requesting.messages import Header, Request, is_json_type, join_header
from client.requesting.options import RequestOptions, check_method
from client.requesting.usage import PROGRAM, USAGE
from encore.client.errors import UsageError
from encore.client.urls import validate_url

ACCEPT: Final = "application/json"
_NOT_ITEM: Final = "{[\"' \t\r\n@"
"""What an item does not begin with, checked before its module is imported."""


class RequestArguments(NamedTuple):
    """A validated request from the command line."""

    request: Request
    options: RequestOptions
    relative: bool
    """Whether the URL is below ``API_URL``."""


class Positionals(NamedTuple):
    """The arguments beside the options."""

    url: str
    method: str
    """In upper case; empty if it is not given."""
    body: str | None
    items: Sequence[str]


def parse_arguments(
    environment: Environment, read_api_url: Callable[[], str]
) -> RequestArguments | str:
    """Return the request, or what is printed instead: ``help`` or ``version``.

    Args:
        environment: Its arguments, and standard input for a body.
        read_api_url: Returns the setting ``API_URL``; called only for a relative URL.

    Raises:
        ClientError: An argument is missing, malformed, without meaning, or cannot be read.
    """
    arguments, options, raw_headers = environment.argv, RequestOptions(), []
    if any(raw.startswith("-") and raw != "-" for raw in environment.argv):
        from client.requesting import option_parser  # noqa: PLC0415 - start-up.

        # Intermixed, so that options may be between URL and METHOD.
        parsed = option_parser.build_parser().parse_intermixed_args(environment.argv)
        if parsed.help or parsed.version:
            return "help" if parsed.help else "version"
        options = option_parser.parse_options(parsed)
        arguments, raw_headers = parsed.arguments, parsed.headers
    positionals = split_positionals(arguments)
    url, relative = _resolve(positionals.url, read_api_url)
    request = _build_request(url, positionals, raw_headers, environment)
    has_key = bool(request.header("Idempotency-Key"))
    accept = request.header("Accept")
    check_method(options, request.method, has_key=has_key, accept=accept)
    if not accept:
        request = request.with_header("Accept", ACCEPT)
    if not request.header("User-Agent"):
        request = request.with_header("User-Agent", f"encore-client/{__version__}")
    return RequestArguments(request, options, relative)


def _resolve(raw: str, read_api_url: Callable[[], str]) -> tuple[str, bool]:
    """Return the absolute URL, and whether it is below ``API_URL``. Raise ``ClientError``."""
    if raw.startswith(("http://", "https://")):
        validate_url(raw, "URL", UsageError)
        return raw, False
    from client.requesting.urls import resolve_url  # noqa: PLC0415 - start-up.

    bases: list[str] = []

    def read_base() -> str:
        bases.append(read_api_url())
        return bases[0]

    return resolve_url(raw, read_base), bool(bases)


def split_positionals(arguments: Sequence[str]) -> Positionals:
    """Return URL, method, body and items. Raise ``UsageError`` if they are none of these."""
    if not arguments or not arguments[0]:
        raise UsageError(f"usage: {USAGE}")
    url, *rest = arguments
    method = ""
    if rest and not _is_item(rest[0]):
        method = rest.pop(0)
        if method and not (method.isascii() and method.isalpha()):
            raise UsageError(
                "METHOD must be a word such as get, post, put, patch or delete, not"
                f" {method[:40]!r}."
            )
    items = [raw for raw in rest if _is_item(raw)]
    # As in the Okta sample, an empty argument means no body.
    bodies = [raw for raw in rest if raw and raw not in items]
    if len(bodies) > 1:
        raise UsageError(
            f"usage: {USAGE}\n{PROGRAM}: a request has one body, not {len(bodies)}; an item is"
            " NAME=TEXT, NAME:=JSON, NAME==QUERY or HEADER:VALUE"
        )
    return Positionals(url, method.upper(), bodies[0] if bodies else None, items)


def _build_request(
    url: str, positionals: Positionals, raw_headers: Sequence[str], environment: Environment
) -> Request:
    method, body = positionals.method, None
    headers: list[Header] = []
    if raw_headers or positionals.items:
        url, method, headers, body = _apply_items(url, positionals, raw_headers)
    media_type = join_header(headers, "Content-Type")
    if positionals.body is not None:
        from client.requesting.bodies import content_length, read_body  # noqa: PLC0415 - start-up.

        body, media_type = read_body(positionals.body, media_type, environment)
        if (length := content_length(body)) is not None:
            headers.append(("Content-Length", str(length)))
    request = Request(method or "GET", url, tuple(headers), body)
    if body is None and media_type:
        raise UsageError("Content-Type describes a body, and this request has none.")
    return (
        request.with_header("Content-Type", media_type or ACCEPT) if body is not None else request
    )


def _apply_items(
    url: str, positionals: Positionals, raw_headers: Sequence[str]
) -> tuple[str, str, list[Header], Any]:
    """Return URL, method, headers and body of a request with items or headers."""
    from client.requesting.bodies import build_object  # noqa: PLC0415 - start-up.
    from client.requesting.headers import check_headers, parse_header  # noqa: PLC0415 - start-up.
    from client.requesting.items import parse_items  # noqa: PLC0415 - start-up.
    from client.requesting.urls import add_query  # noqa: PLC0415 - start-up.

    items = parse_items(positionals.items)
    headers = [*map(parse_header, raw_headers), *items.headers]
    check_headers(headers)
    method = positionals.method or ("POST" if items.members else "")
    if not items.members:
        return add_query(url, items.query), method, headers, None
    first = items.members[0].item
    if positionals.body is not None:
        raise UsageError(f"{first}... would be a second body: a request has one.")
    if method in {"GET", "HEAD"}:
        raise UsageError(
            f"{first}... is part of a body, which {method} has not:"
            f" {first.rstrip(':=@')}==... is a query parameter."
        )
    if not is_json_type(join_header(headers, "Content-Type") or ACCEPT):
        raise UsageError("Items make a JSON body: Content-Type says another one.")
    return add_query(url, items.query), method, headers, build_object(items.members)


def _is_item(raw: str) -> bool:
    if raw[:1] in _NOT_ITEM or not any(separator in raw for separator in "=:@"):
        return False
    from client.requesting.items import is_item  # noqa: PLC0415 - start-up.

    return is_item(raw)
