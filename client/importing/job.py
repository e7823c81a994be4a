"""The import job: reads a source, sends it batch by batch, keeps how far it has come.

Exactly once comes of three things. The API knows a row by its natural key, so sending it again
changes nothing. It knows a batch by its idempotency key, so sending it again is answered alike. And
the checkpoint moves on only when a batch was acknowledged and its rejected rows are on the disk.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

from client.errors import ClientError, SourceLostError, UsageError
from client.importing.batches import Batch, Fingerprint, Reading, Rejection, make_batches
from client.importing.checkpoint import Checkpoint
from client.importing.mapping import SOURCE_CHARACTERS, FieldMapping
from client.importing.options import ImportOptions
from client.importing.outcome import Counts
from client.importing.progress import Progress
from client.importing.readings import Reader, as_text
from client.importing.records import FORMATS, Records, read_records
from client.importing.rejects import RejectedRows
from client.importing.retries import Retries
from client.importing.settings import ImportSettings
from client.importing.sources import FileSource, Opened, Source
from client.importing.state import KeptState, NoState, State
from client.importing.summary import Summary
from client.importing.uploader import Uploader


class _StartOverError(Exception):
    """What an earlier run has done does not fit what is there now; the text says why."""


class ImportJob:
    """Imports one source.

    Args:
        source: What to import; closed with the job.
        settings: Where to, and as whom.
        mapping: What the source's columns mean; without one they have our names.
        options: How.
        progress: Is told how it goes.

    Raises:
        InsecureError: A secret would travel in clear.
        UsageError: The source's name is too long for a natural key.
    """

    def __init__(
        self,
        source: Source,
        settings: ImportSettings,
        mapping: FieldMapping | None = None,
        options: ImportOptions | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._source = source
        self._mapping = mapping or FieldMapping()
        self._options = options or ImportOptions()
        self._progress = progress or Progress()
        self._name = self._mapping.source or source.name
        if len(self._name) > SOURCE_CHARACTERS:
            raise UsageError(
                f"The source's name {self._name!r} is longer than {SOURCE_CHARACTERS} characters:"
                " let a mapping file name it by source."
            )
        # Were these others, other rows would be sent, or to another place.
        self._terms = (self._name, self._mapping, settings.url, *self._options.terms)
        self._retries = Retries(self._options.attempts, self._progress.tell)
        self._uploader = Uploader(
            settings,
            self._retries,
            dry_run=self._options.dry_run,
            insecure=self._options.insecure,
        )
        self._state = _make_state(self._options, self._name)
        self._checkpoint = Checkpoint()
        self._begin = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and source."""
        self._uploader.close()
        self._source.close()

    def run(self) -> Summary:
        """Import all of the source, or what an earlier run has left of it.

        Raises:
            ClientError: See ``client.errors``; another run goes on behind what was acknowledged.
        """
        began = time.monotonic()
        with self._state.hold():
            earlier = None if self._options.restart else self._state.load()
            if earlier is not None and earlier.position:
                self._progress.tell(f"Going on behind {earlier.position} rows of an earlier run.")
            self._begin_at(earlier or Checkpoint())
            rejected = self._retries.call(self._read_through, _source_may_return)
            self._state.remove()
        counts = self._checkpoint.counts
        return Summary(
            source=self._name,
            counts=counts,
            rows=self._checkpoint.position - self._begin,
            seconds=time.monotonic() - began,
            rejected_file=rejected if counts.rejected else None,
            since=self._options.since,
            dry_run=self._options.dry_run,
        )

    def _begin_at(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._begin = checkpoint.position

    def _read_through(self) -> Path | None:
        """Read from the checkpoint to the end; give the file of rejected rows."""
        try:
            return self._read()
        except _StartOverError as reason:
            self._progress.tell(f"{reason} Starting over: what is there already stays as it is.")
            self._begin_at(Checkpoint())
            return self._read()

    def _read(self) -> Path | None:
        with ExitStack() as stack:
            opened = stack.enter_context(self._source.open(again=self._checkpoint.position > 0))
            text = stack.enter_context(as_text(opened.content, self._mapping.encoding))
            kind = self._kind_of(opened)
            records = read_records(text, kind, self._mapping.delimiter)
            rejected_file = self._state.rejected_file(kind)
            rejected = stack.enter_context(self._open_rejected(rejected_file, records.columns))
            # Before the first batch: a run that dies in it must keep its idempotency keys.
            self._state.save(self._checkpoint)
            fingerprint = Fingerprint(repr((self._terms, records.columns)))
            readings = self._readings(records, fingerprint)
            size = self._options.batch_size
            for batch in make_batches(readings, fingerprint, self._checkpoint.position, size):
                self._process(batch, rejected)
                self._progress.advance(
                    self._checkpoint.counts, _position(opened.content), opened.size
                )
        return rejected_file

    def _kind_of(self, opened: Opened) -> str:
        kind = self._options.kind or opened.kind
        if not kind:
            raise UsageError(
                f"The format of {self._name} is not known: give --format {', '.join(FORMATS)}."
            )
        return kind

    def _open_rejected(self, path: Path | None, columns: tuple[str, ...]) -> RejectedRows:
        own = self._source.path if isinstance(self._source, FileSource) else None
        if path is not None and own is not None and path.exists() and path.samefile(own):
            raise UsageError(
                f"{path} would be overwritten by this import's own rejected rows: name another"
                " file by --rejected."
            )
        keep = self._checkpoint.rejected_bytes
        if keep and (path is None or not path.exists() or path.stat().st_size < keep):
            raise _StartOverError(f"{path} does not hold what an earlier run wrote to it.")
        return RejectedRows(path, columns, self._mapping, keep)

    def _readings(self, records: Records, fingerprint: Fingerprint) -> Iterator[Reading]:
        """Judge all records, and give those behind the checkpoint.

        The ones before count too: they are hashed, and derived ids depend on equal rows before.
        """
        start = self._checkpoint
        reader = Reader(self._mapping, self._name, self._options.since)
        if records.columns:
            reader.mapper.check_columns(records.columns)
        position = 0
        for position, record in enumerate(records.rows, 1):
            fingerprint.add(record)
            reading = reader.judge(record)
            if position > start.position:
                yield reading
            elif position == start.position and fingerprint.value != start.fingerprint:
                raise _StartOverError("The source or the options are not an earlier run's.")
        if position < start.position:
            raise _StartOverError("The source is shorter than what an earlier run has read.")

    def _process(self, batch: Batch, rejected: RejectedRows) -> None:
        """Send a batch and keep what became of it."""
        rejections, counts = batch.rejections, Counts(skipped=batch.skipped)
        counts += Counts(rejected=len(rejections))
        if batch.records:
            outcome = self._uploader.send(batch, self._checkpoint.run)
            refused = [
                Rejection(batch.records[line - 1], reason)
                for line, reason in outcome.reasons.items()
            ]
            rejections, counts = rejections + refused, counts + outcome.counts
        length = rejected.write(rejections)
        self._checkpoint = self._checkpoint.after(batch, counts, length)
        self._state.save(self._checkpoint)


def _make_state(options: ImportOptions, name: str) -> State:
    if options.dry_run:
        return NoState(options.rejected)
    return KeptState(options.state, options.job or name, options.rejected)


def _source_may_return(error: ClientError) -> bool:
    return isinstance(error, SourceLostError)


def _position(content: IO[bytes]) -> int | None:
    """Give how many bytes were read, if the stream knows."""
    try:
        return content.tell()
    except (OSError, ValueError):
        return None
