"""The preview: maps the rows of a source without network, and stores nothing."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client.exit_codes import ExitCode
from client.importing.checks import check_rejected_path, source_name
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.preview.report import PreviewReport
from client.importing.rows.date_order_check import DateOrderCheck
from client.importing.rows.row_results import RowProcessor
from client.importing.sources.reading import open_records
from client.importing.sources.source import Source
from client.importing.state.rejected_file import RejectedFile
from client.importing.summary import exit_code_of
from client.importing.uploading.batches import Fingerprint, make_batches


@dataclass(kw_only=True)
class PreviewSummary:
    """The result of a preview.

    Args:
        source: The source's name.
        since: The first day requested.
        mapped: Rows that the mapping accepts.
        rejected: Rows that it rejects.
        skipped: Rows that the mapping skips.
        before_since: Rows that are earlier than ``since``.
        rejected_file: The file of rejected rows; None for none.
        would_be_refused: Whether an import would refuse the source.
    """

    source: str
    since: date | None = None
    mapped: int = 0
    rejected: int = 0
    skipped: int = 0
    before_since: int = 0
    rejected_file: Path | None = None
    would_be_refused: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of an import whose rows the API accepts."""
        if self.would_be_refused:
            return ExitCode.CONFIGURATION
        return exit_code_of(self.rejected, self.mapped)

    def __str__(self) -> str:
        """Return the summary in one or two lines."""
        figures = [f"{self.mapped} mapped", f"{self.rejected} rejected"]
        if self.skipped:
            figures.append(f"{self.skipped} skipped")
        if self.since is not None:
            figures.append(f"{self.before_since} before {self.since}")
        line = f"Preview of {self.source}, nothing is sent: {', '.join(figures)}."
        if self.rejected and self.rejected_file:
            return f"{line}\nRejected rows are in {self.rejected_file}, each with the reason."
        return line


def preview_source(
    source: Source,
    mapping: FieldMapping,
    options: ImportOptions,
    report: PreviewReport,
    warn: Callable[[str], None],
) -> PreviewSummary:
    """Map all rows of a source.

    Args:
        source: A file or stream.
        mapping: Which column is which field.
        options: Format, first day and file of rejected rows; nothing else has an effect.
        report: Receives all rows.
        warn: Receives warnings.

    Raises:
        ClientError: See ``client.errors``.
    """
    name = source_name(source, mapping)
    summary = PreviewSummary(source=name, since=options.since, rejected_file=options.rejected)
    check_rejected_path(options.rejected, source)
    with ExitStack() as stack:
        opened = stack.enter_context(open_records(source, mapping, options, reopen=False))
        columns = opened.records.columns
        rejected_file = stack.enter_context(RejectedFile(options.rejected, columns, mapping, 0))
        processor = RowProcessor(mapping, name, options.since, columns)
        check = DateOrderCheck(mapping, columns, warn, refuse=False)
        results = map(processor.process, check.watch(opened.records.rows))
        for batch in make_batches(results, Fingerprint(""), 0, options.batch_size):
            report.add_batch(batch, batch.rejected_rows)
            rejected_file.write(batch.rejected_rows)
            summary.mapped += len(batch.records)
            summary.rejected += len(batch.rejected_rows)
            summary.skipped += batch.skipped
            summary.before_since += batch.before_since
        processor.finish()
        summary.would_be_refused = check.is_contradicted
    return summary
