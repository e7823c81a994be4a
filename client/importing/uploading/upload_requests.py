"""Requests to an upload of the API, which are repeated until they are acknowledged."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from client.importing.retries import RetryPolicy, is_transient
from client.importing.settings import ImportSettings
from encore.client.errors import ClientError
from encore.client.urls import origin

READ_SECONDS: Final = 120.0
"""The read timeout: a batch of 10,000 rows may have to wait for other uploads."""


class UploadRequests:
    """Posts NDJSON to an upload.

    A retry sends the same idempotency key and the same body, so the API carries it out once and
    returns the same response again.

    Args:
        settings: The URL to upload to, and the client's credentials.
        retries: How often a request is tried.
        dry_run: Whether the API only reports what it would do.
        insecure: Whether secret and token may be sent over http to another machine.

    Raises:
        InsecureError: The issuer is http on another machine.
    """

    def __init__(
        self,
        settings: ImportSettings,
        retries: RetryPolicy,
        *,
        dry_run: bool = False,
        insecure: bool = False,
    ) -> None:
        # Imported on demand: invalid arguments must not pay for it.
        from encore.client.client import BaseClient  # noqa: PLC0415 - start-up: httpx.
        from encore.client.core import timeout_of  # noqa: PLC0415 - start-up: httpx.

        self._api = BaseClient(
            origin(settings.url),
            auth=settings.create_auth(settings.scope, insecure=insecure),
            timeout=timeout_of(READ_SECONDS),
            retries=0,  # The policy of the import retries.
            insecure=insecure,
        )
        self._retries = retries
        self._dry_run = dry_run
        self._url = settings.url

    def close(self) -> None:
        """Close all connections."""
        self._api.close()

    def post(
        self,
        query: Mapping[str, str],
        body: Any,
        key: str,
        headers: Mapping[str, str] | None = None,
        should_retry: Callable[[ClientError], bool] = is_transient,
    ) -> Any:
        """Send a body and return the API's report on it.

        Args:
            query: Parameters of the upload.
            body: NDJSON: bytes, or chunks of them that can be iterated again.
            key: The idempotency key; a dry run sends none.
            headers: Further headers.
            should_retry: Whether the same request may succeed after this error.

        Raises:
            ClientError: The API rejected the request, or did not acknowledge it in any attempt.
        """
        sent = {"Content-Type": "application/x-ndjson", **(headers or {})}
        parameters = {**query, "report": "rejected"}
        if self._dry_run:
            parameters["dry_run"] = "true"
        else:
            sent["Idempotency-Key"] = key
        separator = "&" if "?" in self._url else "?"
        url = f"{self._url}{separator}{urlencode(parameters)}"
        return self._retries.call(
            lambda: self._api.request("POST", url, content=body, headers=sent), should_retry
        )
