"""Uploads batches to the API until they are acknowledged or permanently rejected."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from client.api import Api
from client.importing.retries import RetryPolicy, is_transient
from client.importing.settings import ImportSettings
from client.importing.uploading.batches import Batch
from client.importing.uploading.results import BatchResult, parse_batch_result

READ_SECONDS: Final = 120.0
"""The read timeout: a batch of 10,000 rows may have to wait for other uploads."""


class Uploader:
    """Uploads batches as NDJSON, each row independently of the others (``mode=partial``).

    A retry sends the same idempotency key and the same body, so the API carries it out once and
    returns the same response again.

    Args:
        settings: The URL to upload to, and the client's credentials.
        retries: How often a batch is tried.
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
        client = replace(settings.client, scope=settings.scope)
        self._api = Api(client, insecure=insecure, read_seconds=READ_SECONDS)
        self._retries = retries
        self._dry_run = dry_run
        query = {"mode": "partial", "report": "rejected"} | ({"dry_run": "true"} if dry_run else {})
        separator = "&" if "?" in settings.url else "?"
        self._url = f"{settings.url}{separator}{urlencode(query)}"

    def close(self) -> None:
        """Close all connections."""
        self._api.close()

    def upload(self, batch: Batch, run_id: str) -> BatchResult:
        """Upload a batch and return the API's report on it.

        Args:
            batch: Contains at least one row to send.
            run_id: Part of the idempotency key.

        Raises:
            ClientError: The API rejected the batch, or did not acknowledge it in any attempt.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        if not self._dry_run:
            headers["Idempotency-Key"] = batch.idempotency_key(run_id)
        body = bytes(batch.body)
        report = self._retries.call(
            lambda: self._api.request("POST", self._url, body, headers), is_transient
        )
        return parse_batch_result(report, len(batch.records))
