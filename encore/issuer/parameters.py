"""The parameters of a request, from query, form and JSON, as one mapping of strings.

By RFC 6749 section 3.2 a parameter without a value counts as omitted, and duplicates are invalid,
wherever they are. The sample's Node client sends its parameters in the query of an empty POST, so
a token request may use its query as well as its body; credentials in the query are rejected, since
URLs are logged and stored (section 2.3.1).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from encore.issuer.oauth_errors import InvalidRequestError, RequestTooLargeError
from encore.strict_json import InvalidMember, strict_decoder

MAX_BODY_BYTES: Final = 64 * 1024
MAX_PARAMETERS: Final = 100

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Parameters = Mapping[str, str]
_SECRET_NAMES: Final = (
    *("client_id", "client_secret", "client_assertion", "password", "token"),
    *("code", "code_verifier", "device_code", "refresh_token"),
)


async def read_parameters(
    request: Request,
    *,
    query: bool = False,
    json_body: bool = False,
    max_parameters: int = MAX_PARAMETERS,
) -> Parameters:
    """Read all parameters of a POST.

    Args:
        request: Its body is read whole, up to ``MAX_BODY_BYTES``.
        query: Whether parameters may be in the query; otherwise it must be empty.
        json_body: Whether the body may be a JSON object, besides a form.
        max_parameters: Maximum number of parameters.

    Raises:
        InvalidRequestError: Ill-formed, repeated, of the wrong type, or in the wrong place.
        RequestTooLargeError: The body is over ``MAX_BODY_BYTES``.
    """
    in_query = _urlencoded(request.scope["query_string"])
    if in_query and not query:
        raise InvalidRequestError("Parameters belong in the body, not in the query string.")
    if any(name in _SECRET_NAMES for name, _ in in_query):
        raise InvalidRequestError("Credentials must not be sent in the query string.")
    body = await _read_body(request)
    in_body = _in_body(request, body, json_body=json_body, max_parameters=max_parameters)
    return _unique([*in_query, *in_body])


async def read_pairs(request: Request) -> Sequence[tuple[str, str]]:
    """Return the parameters of an authorization request, as they are: repeated ones, empty ones.

    Args:
        request: A GET with a query, or a POST with a form (OpenID Connect Core section 3.1.2.1).

    Raises:
        InvalidRequestError: They are ill-formed, or in the wrong place.
        RequestTooLargeError: The body is over ``MAX_BODY_BYTES``.
    """
    query = request.scope["query_string"]
    if request.method != "POST":
        return _urlencoded(query)
    if query:
        raise InvalidRequestError("Parameters belong in the body, not in the query string.")
    return _in_body(request, await _read_body(request), json_body=False)


async def _read_body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > MAX_BODY_BYTES:
        raise RequestTooLargeError("The body is larger than 64 KB.")
    body = bytearray()
    # A chunked body has no Content-Length, so received bytes are counted too.
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise RequestTooLargeError("The body is larger than 64 KB.")
    except ClientDisconnect as error:
        raise InvalidRequestError("The body ended early.") from error
    return bytes(body)


def _in_body(
    request: Request, body: bytes, *, json_body: bool, max_parameters: int = MAX_PARAMETERS
) -> list[tuple[str, str]]:
    if not body:
        return []
    if len(request.headers.getlist("content-type")) > 1:
        raise InvalidRequestError("Content-Type was sent more than once.")
    media_type = request.headers.get("content-type", FORM).partition(";")[0].strip().lower()
    if media_type == FORM:
        return _urlencoded(body, max_parameters)
    if media_type == JSON and json_body:
        return _json(body)
    accepted = f"{FORM} or {JSON}" if json_body else FORM
    raise InvalidRequestError(f"The Content-Type must be {accepted}.")


def _urlencoded(encoded: bytes, max_parameters: int = MAX_PARAMETERS) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=max_parameters,
        )
    except ValueError as error:
        raise InvalidRequestError("The parameters are not form-urlencoded UTF-8.") from error


def _json(body: bytes) -> list[tuple[str, str]]:
    try:
        members = _DECODER.decode(body.decode("utf-8"))
    except InvalidMember as error:
        raise InvalidRequestError("A parameter was sent more than once.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("The body is not JSON.") from error
    if not isinstance(members, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    if len(members) > MAX_PARAMETERS:
        raise InvalidRequestError("The body has too many members.")
    return [(name, _string(value)) for name, value in members.items()]


class _Number(str):
    """A JSON number as written, distinct from a JSON string."""

    __slots__ = ()


# Numbers are not converted: one of 5,000 digits would raise ValueError.
_DECODER: Final = strict_decoder(parse_int=_Number, parse_float=_Number)


def _string(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, _Number):
        raise InvalidRequestError("Every parameter must be a JSON string.")
    return value


def _unique(pairs: Iterable[tuple[str, str]]) -> Parameters:
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise InvalidRequestError("A parameter was sent more than once.")
        if has_control_character(value):
            raise InvalidRequestError("A parameter contains a control character.")
        parameters[name] = value
    return {name: value for name, value in parameters.items() if value}


def has_control_character(value: str) -> bool:
    """Return whether a value has a C0 control character or DEL."""
    return any(ord(character) < 0x20 or character == "\x7f" for character in value)  # noqa: PLR2004 - C0
