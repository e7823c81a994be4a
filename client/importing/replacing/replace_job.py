"""The import with ``--replace``: all rows of a period in one request, or nothing.

A run that is killed before the request has done nothing. After it, another run sends the same
request with the same idempotency key, and the API returns the same response.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from client.errors import SourceError
from client.importing.job import ImportJob
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.progress import Progress
from client.importing.replacing.period import Period
from client.importing.replacing.spooled_rows import SpooledRows
from client.importing.rows.row_results import RejectedRow
from client.importing.settings import ImportSettings
from client.importing.sources.reading import OpenRecords, open_records
from client.importing.sources.source import Source
from client.importing.state.checkpoint import Checkpoint
from client.importing.state.rejected_file import RejectedFile
from client.importing.summary import Replacement, Summary
from client.importing.uploading.batches import Batch, Fingerprint, make_batches
from client.importing.uploading.replacement import (
    ReplacementUploader,
    TooManyWithdrawnError,
    Withdrawal,
)
from client.importing.uploading.results import Counts
from encore.client.errors import UsageError

if TYPE_CHECKING:
    from client.importing.preview.report import PreviewReport


class ReplaceJob(ImportJob):
    """Imports one source, and withdraws what it no longer has in its period.

    Args:
        source: What to import; closed with the job.
        settings: The API's URL and the credentials.
        mapping: Which column is which field; by default the columns have our names.
        options: How to import; ``batch_size`` has no effect.
        progress: Receives messages and counts.
        report: Receives all rows, to be shown.

    Raises:
        InsecureError: A secret would be sent in clear.
        UsageError: The source's name is too long for a natural key.
    """

    def __init__(
        self,
        source: Source,
        settings: ImportSettings,
        mapping: FieldMapping | None = None,
        options: ImportOptions | None = None,
        progress: Progress | None = None,
        *,
        report: "PreviewReport | None" = None,
    ) -> None:
        super().__init__(source, settings, mapping, options, progress, report=report)
        self._replacement = ReplacementUploader(
            settings,
            self._retries,
            dry_run=self._options.dry_run,
            insecure=self._options.insecure,
        )
        self._replaced: Replacement | None = None

    def close(self) -> None:
        """Close connections and source."""
        self._replacement.close()
        super().close()

    def _load_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint of a replacement, for its run's id."""
        earlier = super()._load_checkpoint()
        if earlier is not None and earlier.position:
            self._progress.message("An earlier import was not finished: all rows are sent again.")
            return None
        return earlier

    def _summarize(self, seconds: float, rejected_file: Path | None) -> Summary:
        summary = super()._summarize(seconds, rejected_file)
        return replace(summary, replacement=self._replaced or Replacement())

    def _describe_done(self) -> str:
        return "\nNothing was replaced."

    def _import_after_checkpoint(self) -> Path | None:
        self._start_at(Checkpoint(run=self._checkpoint.run))
        with ExitStack() as stack:
            opened = stack.enter_context(
                open_records(
                    self._source, self._mapping, self._options, reopen=False, retries=self._retries
                )
            )
            path = self._state.rejected_path(opened.file_format)
            rejected_file = stack.enter_context(
                self._open_rejected_file(path, opened.records.columns)
            )
            rows = stack.enter_context(SpooledRows())
            # Saved before the request: a run killed in it must keep its idempotency key.
            self._state.save(self._checkpoint)
            self._read_source(opened, rows, rejected_file)
            if not self._checkpoint.counts.rejected:
                self._replace(rows, rejected_file)
        return path

    def _read_source(
        self, opened: OpenRecords, rows: SpooledRows, rejected_file: RejectedFile
    ) -> None:
        """Spool the whole source; write the rows that the mapping rejects."""
        fingerprint = Fingerprint("")
        results = self._process_records(opened.records, fingerprint)
        for batch in make_batches(results, fingerprint, 0, self._options.batch_size):
            rejected = batch.rejected_rows + _spool(batch, rows)
            counts = Counts(
                skipped=batch.skipped, before_since=batch.before_since, rejected=len(rejected)
            )
            self._reject(rejected, rejected_file, batch)
            self._checkpoint = replace(
                self._checkpoint,
                position=batch.position,
                counts=self._checkpoint.counts + counts,
            )
            self._progress.advance(self._checkpoint.counts, opened.bytes_read, opened.size)

    def _replace(self, rows: SpooledRows, rejected_file: RejectedFile) -> None:
        """Send all rows.

        Raises:
            SourceError: There are none.
        """
        period = self._period(rows)
        run = self._checkpoint.run
        key = sha256(f"replace {run} {period} {rows.digest}".encode()).hexdigest()
        verb = "Checking" if self._options.dry_run else "Sending"
        self._progress.message(f"{verb} {rows.total} rows from {period.first} to {period.last}.")
        try:
            result, withdrawal = self._replacement.upload(rows, str(period), key)
        except TooManyWithdrawnError as error:
            self._show(error.withdrawal)
            raise
        self._show(withdrawal)
        records = rows.read_records(result.reasons)
        rejected = [RejectedRow(records[line], why) for line, why in result.reasons.items()]
        self._reject(rejected, rejected_file, None)
        counts = self._checkpoint.counts + result.counts
        if result.counts.rejected:
            counts = counts._replace(created=0, updated=0, unchanged=0)
        self._checkpoint = replace(self._checkpoint, counts=counts)
        self._replaced = Replacement(
            period.first, period.last, withdrawal.withdrawn, withdrawal.kept
        )

    def _period(self, rows: SpooledRows) -> Period:
        """Return the days of the source, from ``since`` on.

        Raises:
            SourceError: There are no rows.
            UsageError: ``since`` is within the week of a weekly entry.
        """
        period, since = rows.period, self._options.since
        if period is None:
            raise SourceError("The source has no rows, so that the period to replace is not known.")
        if since is None or not self._checkpoint.counts.before_since:
            return period
        if period.first < since:
            raise UsageError(
                f"--since {since} is within the week of a weekly entry: pass the Monday of a week."
                " Nothing was replaced."
            )
        return period._replace(first=since)

    def _reject(
        self, rejected: Iterable[RejectedRow], file: RejectedFile, batch: Batch | None
    ) -> None:
        rows = list(rejected)
        if self._report is not None:
            self._report.add_batch(batch or Batch(0), rows)
        file.write(rows)

    def _show(self, withdrawal: Withdrawal) -> None:
        if self._report is not None:
            self._report.set_withdrawn(withdrawal.entries, withdrawal.withdrawn or 0)


def _spool(batch: Batch, rows: SpooledRows) -> list[RejectedRow]:
    """Spool the rows of a batch; return those without a day."""
    lines = batch.body.splitlines()
    return [
        RejectedRow(record, "has neither a date nor a year and a week")
        for record, line in zip(batch.records, lines, strict=True)
        if not rows.add(record, bytes(line))
    ]
