"""Reads the API's description: from a file, or from the API, with a token if it demands one."""

import json
import os
from typing import Any, Final
from urllib.parse import urlsplit

from client.environment import Environment
from client.requesting.urls import API_URL, is_absolute, resolve_url
from client.settings import read_settings
from encore.client.errors import UnexpectedResponseError, UsageError
from encore.client.urls import origin

DESCRIPTION: Final = "openapi.json"

_CLOSED: Final = frozenset({401, 403, 404})


def read_description(environment: Environment, source: str, *, insecure: bool) -> Any:
    """Return the description, as it was read.

    Args:
        environment: Of the command.
        source: A file, ``-`` for standard input, or a URL; empty for ``openapi.json`` below
            ``API_URL``.
        insecure: Whether a token may be sent over http to another machine.

    Raises:
        UsageError: The file cannot be read, or is not JSON.
        ClientError: See ``encore.client.errors``.
    """
    if source == "-":
        return _parse(environment.stdin.read(), "standard input")
    path = os.path.join(environment.directory, source)  # noqa: PTH118 - start-up.
    if source and not is_absolute(source) and os.path.isfile(path):  # noqa: PTH113 - start-up.
        return _parse(_read_file(path, source), source)
    return _fetch(environment, _url(environment, source), insecure=insecure)


def check_description(document: Any) -> dict[str, Any]:
    """Return a description.

    Raises:
        UnexpectedResponseError: It is not one of OpenAPI 3.
    """
    is_description = (
        isinstance(document, dict)
        and str(document.get("openapi", "")).startswith("3.")
        and isinstance(document.get("paths"), dict)
    )
    if not is_description:
        raise UnexpectedResponseError("That is not a description in OpenAPI 3.")
    description: dict[str, Any] = document
    return description


def _read_file(path: str, shown: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - start-up.
            return file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{shown} cannot be read: {reason}.") from error


def _parse(text: str, shown: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown} is not JSON: {error}.") from error


def _url(environment: Environment, source: str) -> str:
    def read_api_url() -> str:
        settings = read_settings(environment.variables, environment.directory, (API_URL,))
        return settings.get(API_URL, "")

    url = resolve_url(source or DESCRIPTION, read_api_url)
    return f"{url.rstrip('/')}/{DESCRIPTION}" if urlsplit(url).path in ("", "/") else url


def _fetch(environment: Environment, url: str, *, insecure: bool) -> Any:
    """Return the description: without a token if it is public, otherwise with one."""
    # Imported on demand: files need neither httpx nor a token.
    from client.tokens.choosing import choose_token  # noqa: PLC0415 - start-up.
    from encore.client.client import BaseClient  # noqa: PLC0415 - start-up: httpx.

    with BaseClient(origin(url)) as client:
        response = client.send("GET", url)
        if response.status_code not in _CLOSED:
            return client.request("GET", url)
    auth = choose_token(environment).create_auth(insecure=insecure)
    with BaseClient(origin(url), auth=auth, insecure=insecure) as client:
        return client.request("GET", url)
