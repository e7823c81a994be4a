"""Requests before they are sent: what both clients, and batches, have in common."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from encore.client.encoding import encode_scalar
from encore.client.errors import UsageError
from encore.client.options import RequestOptions, check_options

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")

NO_BODY: Final[Any] = object()
"""Distinguishes a request without a body from one whose body is ``null``."""

_METHOD: Final = re.compile(r"[A-Za-z]+")


class Request(NamedTuple):
    """A request to the API.

    Attributes:
        method: In upper case.
        url: Relative to the API's URL, percent-encoded; or absolute and of the same origin.
        query: Names and values of the query, decoded.
        json: The value of the body.
        content: A body in another form: bytes, or a stream of httpx.
        headers: Further headers.
        options: ``timeout``, if the client's is not used.
    """

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    json: Any = NO_BODY
    content: Any = None
    headers: Mapping[str, str] = {}
    options: Mapping[str, Any] = {}


class Call(NamedTuple, Generic[_T]):
    """A request and how its response becomes the result of a method."""

    request: Request
    parse: "Callable[[httpx.Response], _T]"


def build_request(method: str, url: str, described: Mapping[str, Any]) -> Request:
    """Return a request that a caller has described in full.

    Args:
        method: In any case.
        url: Relative, or absolute and of the API's origin.
        described: As ``RequestOptions`` says.

    Raises:
        UsageError: The method is not a word, or there is an unknown option.
    """
    if not _METHOD.fullmatch(method):
        raise UsageError(f"The method must be a word such as GET or POST, not {method[:40]!r}.")
    options = check_options("The request", described, RequestOptions)
    query = options.get("params") or ()
    pairs = query.items() if isinstance(query, Mapping) else query
    return Request(
        method.upper(),
        url,
        tuple((name, _query_text(name, value)) for name, value in pairs),
        json=options.get("json", NO_BODY),
        content=options.get("content"),
        headers=options.get("headers") or {},
        options={name: options[name] for name in options if name == "timeout"},
    )


def _query_text(name: str, value: Any) -> str:
    text = encode_scalar(value)
    if text is None:
        raise UsageError(f"{name} cannot be a {type(value).__name__}.")
    return text
