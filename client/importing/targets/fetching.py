"""Fetches the API's description, to import into a resource that it describes."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from client.importing.settings import ImportSettings
from client.importing.targets.openapi import find_target
from client.importing.targets.target import Target
from encore.client.errors import (
    ApiError,
    ConfigurationError,
    IssuerError,
    UnexpectedResponseError,
    UsageError,
)
from encore.client.responses import parse_body
from encore.client.transport import Transport
from encore.client.urls import origin

DESCRIPTION: Final = "/openapi.json"

_OK: Final = 200
_NOT_FOUND: Final = 404


def fetch_target(
    settings: ImportSettings, name: str, key: str | None, *, insecure: bool = False
) -> tuple[Target, str]:
    """Return a resource of the API as a target, and the URL of its upload.

    The description is at the root of the URL of any upload, or above it:
    ``http://localhost:3000/v1/timesheets/upload`` has it at ``/v1/openapi.json`` or
    ``/openapi.json``.

    Args:
        settings: The URL of an upload, and the client's credentials.
        name: The resource's name.
        key: The fields that identify a row; None for the default.
        insecure: Whether secret and token may be sent over http to another machine.

    Raises:
        ClientError: See ``encore.client.errors``.
    """
    parts = urlsplit(settings.url)
    roots = _roots_of(parts)
    urls = {root: _url(parts, root + DESCRIPTION) for root in roots}
    public = _fetch_public(urls)
    root, document = public or _fetch_private(urls, settings, insecure=insecure)
    try:
        target = find_target(document, name, key)
    except UsageError as error:
        if public is not None:
            raise
        message = f"{error} The description shows what a token for the setting SCOPE allows."
        raise UsageError(message) from error
    query = urlencode({"key": ",".join(target.key)}, safe=",")
    return target, f"{_url(parts, root + target.path)}?{query}"


def _fetch_public(urls: Mapping[str, str]) -> tuple[str, Any] | None:
    """Return the description with its root if it needs no token, else None."""
    with Transport() as transport:
        for root, url in urls.items():
            accept = {"Accept": "application/json"}
            response = transport.send("GET", url, content=None, headers=accept)
            if response.status_code != _OK:
                continue
            try:
                return root, parse_body(response)
            except ValueError as error:
                raise UnexpectedResponseError(
                    f"{origin(url)} has no description of its API."
                ) from error
    return None


def _fetch_private(
    urls: Mapping[str, str], settings: ImportSettings, *, insecure: bool
) -> tuple[str, Any]:
    """Return the description with its root, requested with a token for the setting ``SCOPE``."""
    # Imported on demand: invalid arguments must not pay for it.
    from encore.client.client import BaseClient  # noqa: PLC0415 - start-up: httpx.

    auth = settings.create_auth(settings.client.scope, insecure=insecure)
    with BaseClient(origin(settings.url), auth=auth, retries=0, insecure=insecure) as api:
        for root, url in urls.items():
            try:
                return root, api.request("GET", url)
            except (ApiError, IssuerError) as error:
                if error.status == _NOT_FOUND and root:
                    continue
                raise type(error)(
                    "The API's description cannot be read, neither without a token nor with one"
                    f" for the setting SCOPE: {error}",
                    error.status,
                    error.retry_after,
                ) from error
    raise AssertionError  # The last root is empty.


def _roots_of(parts: SplitResult) -> list[str]:
    """Return the paths below which the resources may be, the longest first; the last is empty.

    Raises:
        ConfigurationError: The URL is not that of an upload.
    """
    segments = parts.path.rstrip("/").split("/")
    if len(segments) < 3 or segments[-1] != "upload":  # noqa: PLR2004 - "", resource, upload
        raise ConfigurationError(
            "IMPORT_URL or --url must be the URL of an upload, such as"
            " http://localhost:3000/timesheets/upload: the API's description is found beside it."
        )
    return ["/".join(segments[:end]) for end in range(len(segments) - 2, 0, -1)]


def _url(parts: SplitResult, path: str) -> str:
    return urlunsplit(parts._replace(path=path, query="", fragment=""))
