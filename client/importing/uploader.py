"""Sending batches to the API until it has taken them or refused them for good."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from client.api import Api
from client.importing.batches import Batch
from client.importing.outcome import Outcome, read_outcome
from client.importing.retries import Retries, may_pass
from client.importing.settings import ImportSettings

SCOPE: Final = "batch:upload"
"""All that a token is asked for, whatever the setting SCOPE says."""

READ_SECONDS: Final = 120.0
"""The longest wait for an answer: a batch of 10,000 rows may stand behind others'."""


class Uploader:
    """Sends batches as NDJSON, each row for itself (``mode=partial``).

    A batch that is sent again has the same idempotency key and the same body, so the API carries
    it out once and gives the same answer again.

    Args:
        settings: Where to, and where tokens come from.
        retries: How often a batch is tried.
        dry_run: Whether the API only says what it would do.
        insecure: Whether secret and token may go over http to another machine.

    Raises:
        InsecureError: The issuer is http on another machine.
    """

    def __init__(
        self,
        settings: ImportSettings,
        retries: Retries,
        *,
        dry_run: bool = False,
        insecure: bool = False,
    ) -> None:
        client = replace(settings.client, scope=SCOPE)
        self._api = Api(client, insecure=insecure, read_seconds=READ_SECONDS)
        self._retries = retries
        self._dry_run = dry_run
        query = {"mode": "partial", "report": "rejected"} | ({"dry_run": "true"} if dry_run else {})
        divider = "&" if "?" in settings.url else "?"
        self._url = f"{settings.url}{divider}{urlencode(query)}"

    def close(self) -> None:
        """Close all connections."""
        self._api.close()

    def send(self, batch: Batch, run: str) -> Outcome:
        """Send a batch and give what became of its rows.

        Args:
            batch: Holds at least one row.
            run: What its idempotency key is for.

        Raises:
            ClientError: The API refused it, or did not take it however often it was tried.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        if not self._dry_run:
            headers["Idempotency-Key"] = batch.key(run)
        body = bytes(batch.body)
        answer = self._retries.call(
            lambda: self._api.request("POST", self._url, body, headers), may_pass
        )
        return read_outcome(answer, len(batch.records))
