"""Fetches the API's description, to import into a resource that it describes."""

from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from client.api import Api
from client.errors import ApiError, ConfigurationError, IssuerError, UnexpectedResponseError
from client.importing.settings import ImportSettings
from client.importing.targets.openapi import find_target
from client.importing.targets.target import Target
from client.responses import parse_body
from client.transport import Transport
from client.urls import origin

DESCRIPTION: Final = "/openapi.json"

_OK: Final = 200


def fetch_target(
    settings: ImportSettings, name: str, key: str | None, *, insecure: bool = False
) -> tuple[Target, str]:
    """Return a resource of the API as a target, and the URL of its upload.

    The description is at the root of the URL of any upload:
    ``http://localhost:3000/timesheets/upload`` has ``/openapi.json`` beside ``/timesheets``.

    Args:
        settings: The URL of an upload, and the client's credentials.
        name: The resource's name.
        key: The fields that identify a row; None for the default.
        insecure: Whether secret and token may be sent over http to another machine.

    Raises:
        ClientError: See ``client.errors``.
    """
    parts = urlsplit(settings.url)
    root = _root_of(parts)
    document = _fetch(_url(parts, root + DESCRIPTION), settings, insecure=insecure)
    target = find_target(document, name, key)
    query = urlencode({"key": ",".join(target.key)}, safe=",")
    return target, f"{_url(parts, root + target.path)}?{query}"


def _fetch(url: str, settings: ImportSettings, *, insecure: bool) -> Any:
    """Return the description: without a token if it is public, else with the setting ``SCOPE``."""
    with Transport() as transport:
        response = transport.send("GET", url, content=None, headers={"Accept": "application/json"})
    if response.status_code == _OK:
        try:
            return parse_body(response)
        except ValueError as error:
            raise UnexpectedResponseError(
                f"{origin(url)} has no description of its API."
            ) from error
    try:
        with Api(settings.client, insecure=insecure) as api:
            return api.request("GET", url)
    except (ApiError, IssuerError) as error:
        raise type(error)(
            f"The API's description cannot be read, neither without a token nor with one for the"
            f" setting SCOPE: {error}",
            error.status,
            error.retry_after,
        ) from error


def _root_of(parts: SplitResult) -> str:
    """Return the path below which the resources are. Raise ``ConfigurationError``."""
    segments = parts.path.rstrip("/").split("/")
    if len(segments) < 3 or segments[-1] != "upload":  # noqa: PLR2004 - "", resource, upload
        raise ConfigurationError(
            "IMPORT_URL or --url must be the URL of an upload, such as"
            " http://localhost:3000/timesheets/upload: the API's description is found beside it."
        )
    return "/".join(segments[:-2])


def _url(parts: SplitResult, path: str) -> str:
    return urlunsplit(parts._replace(path=path, query="", fragment=""))
