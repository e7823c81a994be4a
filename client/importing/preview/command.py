"""The command ``import --preview``, and how it and dry runs print their report."""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.environment import Environment, printable
from client.exit_codes import ExitCode
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.sources.file import FileSource
from client.importing.sources.source import Source
from client.importing.sources.stream import StreamSource
from client.output import write_text
from encore.client.errors import UsageError

if TYPE_CHECKING:
    from client.importing.preview.report import PreviewReport

WIDTH_OF_FILES: Final = 200
"""The widest table where the output is not a terminal, in columns."""

_STDIN: Final = "-"
_REFUSED: Final = ("url", "batch_size", "attempts", "dry_run", "restart", "insecure", "replace")
"""Options of requests and of their repetition, which a preview does not have."""


def run_preview(
    environment: Environment,
    parsed: argparse.Namespace,
    mapping: FieldMapping,
    options: ImportOptions,
) -> ExitCode:
    """Map the rows of a file or of standard input, and print them.

    Args:
        environment: The tables are written to its stdout, the summary to its stderr.
        parsed: The arguments.
        mapping: The mapping.
        options: Made of the arguments.

    Raises:
        UsageError: An argument contradicts a preview.
        ClientError: As for ``preview_source``.
    """
    from client.importing.preview.run import preview_source  # noqa: PLC0415 - start-up.

    source = _create_source(environment, parsed)
    report = create_report(mapping)
    try:
        summary = preview_source(source, mapping, options, report, environment.echo_err)
    finally:
        source.close()
    written = ExitCode.OK if parsed.quiet else show_report(environment, report)
    if summary.rejected or not parsed.quiet:
        environment.echo_err(str(summary))
    return written or summary.exit_code


def create_report(mapping: FieldMapping) -> "PreviewReport":
    """Return an empty report."""
    from client.importing.preview.report import PreviewReport  # noqa: PLC0415 - start-up.

    return PreviewReport(mapping)


def show_report(environment: Environment, report: "PreviewReport") -> ExitCode:
    """Write a report to stdout; return OK unless writing failed."""
    stdout = environment.stdout
    width = shutil.get_terminal_size().columns if stdout.isatty() else WIDTH_OF_FILES
    text = report.format(width)
    return write_text(environment, printable(text, stdout)) if text else ExitCode.OK


def _create_source(environment: Environment, parsed: argparse.Namespace) -> Source:
    for name in _REFUSED:
        if getattr(parsed, name) not in {None, False}:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"--preview and {option} exclude each other: a preview sends nothing. Leave out"
                " one of them."
            )
    if "://" in parsed.source:
        raise UsageError(
            "--preview reads a file or standard input, not a URL: it uses no network. Save the"
            " answer in a file, or use --dry-run."
        )
    if parsed.source == _STDIN:
        return StreamSource(environment.stdin.buffer)
    return FileSource(Path(parsed.source))
