"""The import job: reads a source, uploads it batch by batch, and records its progress.

"Exactly once" has three causes. The API identifies a row by its natural key, so sending a row again
changes nothing. It identifies a batch by its idempotency key, so sending a batch again returns the
same response. The checkpoint advances only after a batch was acknowledged and its rejected rows are
on disk.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from client.errors import SourceError, SourceUnavailableError
from client.importing.checks import check_rejected_path, source_name
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.loading import check_mapping
from client.importing.options import ImportOptions
from client.importing.progress import Progress
from client.importing.reading.records import Records
from client.importing.retries import RetryPolicy
from client.importing.rows.date_order_check import DateOrderCheck
from client.importing.rows.row_results import RejectedRow, RowProcessor, RowResult
from client.importing.settings import ImportSettings
from client.importing.sources.reading import open_records
from client.importing.sources.source import Source
from client.importing.state.checkpoint import Checkpoint
from client.importing.state.rejected_file import RejectedFile
from client.importing.state.state import FileState, State
from client.importing.summary import Summary
from client.importing.uploading.batches import Batch, Fingerprint, make_batches
from client.importing.uploading.results import Counts
from client.importing.uploading.uploader import Uploader
from encore.client.errors import ClientError, ConfigurationError

if TYPE_CHECKING:
    from client.importing.preview.report import PreviewReport

_NOTHING_IMPORTED: Final = "\nNo row was imported."


class _StaleCheckpointError(Exception):
    """The checkpoint does not match the source or the options; the message says why."""


class ImportJob:
    """Imports one source.

    Args:
        source: What to import; closed with the job.
        settings: The API's URL and the credentials.
        mapping: Which column is which field; by default the columns have our names.
        options: How to import.
        progress: Receives messages and counts.
        report: Receives all rows, to be shown.

    Raises:
        InsecureError: A secret would be sent in clear.
        UsageError: The source's name is too long for a natural key.
        ConfigurationError: The mapping is invalid.
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
        self._source = source
        self._mapping = mapping or FieldMapping()
        check_mapping(self._mapping)
        self._options = options or ImportOptions()
        self._progress = progress or Progress()
        self._report = report
        self._name = source_name(source, self._mapping)
        # With other values, other rows would be sent, or to another URL.
        self._inputs = (self._name, self._mapping, settings.url, *self._options.inputs)
        self._retries = RetryPolicy(self._options.attempts, self._progress.message)
        self._uploader = Uploader(
            settings,
            self._retries,
            dry_run=self._options.dry_run,
            insecure=self._options.insecure,
        )
        self._state = _create_state(self._options, self._name)
        self._checkpoint = Checkpoint()
        self._start = 0
        self._dates_are_contradicted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and source."""
        self._uploader.close()
        self._source.close()

    def run(self) -> Summary:
        """Import the whole source, or the rest after an earlier run.

        Raises:
            ClientError: See ``client.errors``; another run resumes after the acknowledged rows.
        """
        started = time.monotonic()
        with self._state.lock():
            self._start_at(self._load_checkpoint() or Checkpoint())
            try:
                rejected = self._retries.call(self._import_source, _is_unavailable)
            except SourceError as error:
                raise SourceError(f"{error}{self._describe_done()}", error.status) from error
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"{error}{self._describe_done() or _NOTHING_IMPORTED}"
                ) from error
            self._state.remove()
        return self._summarize(time.monotonic() - started, rejected)

    def _load_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint of an earlier run that has not completed."""
        earlier = None if self._options.restart else self._state.load()
        if earlier is not None and earlier.position:
            self._progress.message(f"Resuming after {earlier.position} rows of an earlier run.")
        return earlier

    def _summarize(self, seconds: float, rejected_file: Path | None) -> Summary:
        counts = self._checkpoint.counts
        return Summary(
            source=self._name,
            counts=counts,
            rows=self._checkpoint.position - self._start,
            seconds=seconds,
            rejected_file=rejected_file if counts.rejected else None,
            since=self._options.since,
            dry_run=self._options.dry_run,
            would_be_refused=self._dates_are_contradicted,
        )

    def _describe_done(self) -> str:
        """Return what an import that ends early has done, to append to a message; else nothing."""
        done = self._checkpoint.position
        if not done:
            return ""
        verb = "checked" if self._options.dry_run else "imported, skipped or rejected"
        rows = "1 row was" if done == 1 else f"{done} rows were"
        return f"\nBefore that, {rows} {verb}."

    def _start_at(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._start = checkpoint.position
        if self._report is not None:
            self._report.clear()

    def _import_source(self) -> Path | None:
        """Import from the checkpoint to the end; return the path of the rejected rows."""
        try:
            return self._import_after_checkpoint()
        except _StaleCheckpointError as reason:
            self._progress.message(f"{reason} Starting over: rows already imported are kept.")
            self._start_at(Checkpoint())
            return self._import_after_checkpoint()

    def _import_after_checkpoint(self) -> Path | None:
        with ExitStack() as stack:
            opened = stack.enter_context(
                open_records(
                    self._source,
                    self._mapping,
                    self._options,
                    reopen=self._checkpoint.position > 0,
                    retries=self._retries,
                )
            )
            records = opened.records
            path = self._state.rejected_path(opened.file_format)
            rejected_file = stack.enter_context(self._open_rejected_file(path, records.columns))
            # Saved before the first batch: a run killed in it must keep its idempotency keys.
            self._state.save(self._checkpoint)
            fingerprint = Fingerprint(repr((self._inputs, records.columns)))
            results = self._process_records(records, fingerprint)
            size = self._options.batch_size
            for batch in make_batches(results, fingerprint, self._checkpoint.position, size):
                self._upload(batch, rejected_file)
                self._progress.advance(self._checkpoint.counts, opened.bytes_read, opened.size)
        return path

    def _open_rejected_file(self, path: Path | None, columns: tuple[str, ...]) -> RejectedFile:
        check_rejected_path(path, self._source)
        keep = self._checkpoint.rejected_bytes
        if keep and (path is None or not path.exists() or path.stat().st_size < keep):
            raise _StaleCheckpointError(
                f"{path} does not contain the rejected rows of an earlier run."
            )
        return RejectedFile(path, columns, self._mapping, keep)

    def _process_records(self, records: Records, fingerprint: Fingerprint) -> Iterator[RowResult]:
        """Process all records, and yield the results after the checkpoint.

        Records before it matter too: they are hashed, and derived ids depend on earlier equal rows.
        """
        checkpoint = self._checkpoint
        processor = RowProcessor(self._mapping, self._name, self._options.since, records.columns)
        check = DateOrderCheck(
            self._mapping,
            records.columns,
            self._progress.warning,
            refuse=not self._options.dry_run,
        )
        position = 0
        for position, record in enumerate(check.watch(records.rows), 1):
            fingerprint.add(record)
            result = processor.process(record)
            if position > checkpoint.position:
                yield result
            elif position == checkpoint.position and fingerprint.value != checkpoint.fingerprint:
                raise _StaleCheckpointError(
                    "The source or the options differ from those of an earlier run."
                )
        if position < checkpoint.position:
            raise _StaleCheckpointError("The source has fewer rows than an earlier run has read.")
        processor.finish()
        self._dates_are_contradicted = check.is_contradicted

    def _upload(self, batch: Batch, rejected_file: RejectedFile) -> None:
        """Upload a batch, write its rejected rows and save the checkpoint."""
        rejected_rows = batch.rejected_rows
        counts = Counts(
            skipped=batch.skipped, before_since=batch.before_since, rejected=len(rejected_rows)
        )
        if batch.records:
            result = self._uploader.upload(batch, self._checkpoint.run)
            rejected_rows = rejected_rows + [
                RejectedRow(batch.records[line - 1], reason)
                for line, reason in result.reasons.items()
            ]
            counts += result.counts
        if self._report is not None:
            self._report.add_batch(batch, rejected_rows)
        length = rejected_file.write(rejected_rows)
        self._checkpoint = self._checkpoint.after(batch, counts, length)
        self._state.save(self._checkpoint)


def _create_state(options: ImportOptions, name: str) -> State:
    if options.dry_run:
        return State(options.rejected)
    return FileState(options.state, options.job or name, options.rejected)


def _is_unavailable(error: ClientError) -> bool:
    return isinstance(error, SourceUnavailableError)
