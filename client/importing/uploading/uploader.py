"""Uploads batches to the API until they are acknowledged or permanently rejected."""

from client.importing.uploading.batches import Batch
from client.importing.uploading.results import BatchResult, parse_batch_result
from client.importing.uploading.upload_requests import UploadRequests


class Uploader(UploadRequests):
    """Uploads batches, each row independently of the others (``mode=partial``)."""

    def upload(self, batch: Batch, run_id: str) -> BatchResult:
        """Upload a batch and return the API's report on it.

        Args:
            batch: Contains at least one row to send.
            run_id: Part of the idempotency key.

        Raises:
            ClientError: The API rejected the batch, or did not acknowledge it in any attempt.
        """
        key = batch.idempotency_key(run_id)
        report = self.post({"mode": "partial"}, bytes(batch.body), key)
        return parse_batch_result(report, len(batch.records))
