"""The command ``import timesheets SOURCE``: build the job from the arguments and report its end."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from client.environment import Environment
from client.errors import ClientError, UsageError
from client.exit_codes import ExitCode
from client.importing.arguments import build_parser
from client.output import write_text
from client.urls import validate_url

if TYPE_CHECKING:
    from client.importing.sources.source import Source

STDIN: Final = "-"
_OPTIONS: Final = (
    "file_format",
    "since",
    "batch_size",
    "attempts",
    "dry_run",
    "restart",
    "insecure",
    "state",
    "job",
    "rejected",
)
"""Arguments with the names of job options."""


def run_import(environment: Environment) -> ExitCode:
    """Run the import that the arguments describe.

    Raises:
        ClientError: See ``client.errors``.
    """
    parser = build_parser()
    parsed = parser.parse_intermixed_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    if parsed.list_mappings or parsed.show_mapping:
        return _show_mappings(environment, parsed)
    if not parsed.source:
        raise UsageError(parser.format_usage().rstrip())
    return _run_job(environment, parsed)


def _show_mappings(environment: Environment, parsed: argparse.Namespace) -> ExitCode:
    """Print the shipped mappings, or one of them. Raise ``UsageError``."""
    from client.importing.mapping.shipped import shipped_mappings  # noqa: PLC0415 - start-up.

    shipped = shipped_mappings()
    if parsed.resource:
        option = "--list-mappings" if parsed.list_mappings else "--show-mapping"
        raise UsageError(f"{option} takes no resource and no source: it imports nothing.")
    if parsed.list_mappings and parsed.show_mapping:
        raise UsageError("--list-mappings and --show-mapping exclude each other.")
    if parsed.list_mappings:
        width = max(map(len, shipped)) + 2
        lines = [f"{m.name:<{width}}{m.description}" for m in shipped.values()]
        return write_text(environment, "\n".join(lines))
    if parsed.show_mapping not in shipped:
        known = ", ".join(shipped)
        raise UsageError(f"{parsed.show_mapping!r} is not a shipped mapping: known are {known}.")
    return write_text(environment, shipped[parsed.show_mapping].text.rstrip())


def _run_job(environment: Environment, parsed: argparse.Namespace) -> ExitCode:
    # Imported only now: the job's modules take longer to import than the arguments to parse.
    from client.importing.job import ImportJob  # noqa: PLC0415 - start-up.
    from client.importing.mapping.loading import load_mapping  # noqa: PLC0415 - start-up.
    from client.importing.options import ImportOptions  # noqa: PLC0415 - start-up.
    from client.importing.preview.command import (  # noqa: PLC0415 - start-up.
        create_report,
        run_preview,
        show_report,
    )
    from client.importing.progress import create_progress  # noqa: PLC0415 - start-up.
    from client.importing.replacing.replace_job import ReplaceJob  # noqa: PLC0415 - start-up.
    from client.importing.settings import load_import_settings  # noqa: PLC0415 - start-up.
    from client.importing.sources.creating import create_source  # noqa: PLC0415 - start-up.
    from client.importing.sources.headers import (  # noqa: PLC0415 - start-up.
        read_header_variables,
    )
    from client.importing.sources.stream import StreamSource  # noqa: PLC0415 - start-up.

    if parsed.replace and parsed.batch_size is not None and not parsed.preview:
        raise UsageError(
            "--replace and --batch-size exclude each other: all rows are sent in one request."
        )
    chosen = {name: value for name, value in vars(parsed).items() if value is not None}
    options = ImportOptions(**{name: chosen[name] for name in _OPTIONS if name in chosen})
    mapping = load_mapping(parsed.mapping, parsed.overrides or ())
    if parsed.preview:
        return run_preview(environment, parsed, mapping, options)
    settings = load_import_settings(environment.variables, environment.directory)
    if parsed.url:
        validate_url(parsed.url, "--url", UsageError)
        settings = replace(settings, url=parsed.url)
    if parsed.source == STDIN:
        source: Source = StreamSource(environment.stdin.buffer)
    else:
        variables = read_header_variables(
            mapping.headers, environment.variables, environment.directory
        )
        source = create_source(parsed.source, settings.credentials, mapping, options, variables)
    report = create_report(mapping) if parsed.dry_run and not parsed.quiet else None
    job_class = ReplaceJob if parsed.replace else ImportJob
    try:
        with (
            create_progress(environment, quiet=parsed.quiet) as progress,
            job_class(source, settings, mapping, options, progress, report=report) as job,
        ):
            summary = job.run()
    except ClientError:
        if report is not None and report.has_withdrawals:
            show_report(environment, report)
        raise
    written = show_report(environment, report) if report is not None else ExitCode.OK
    if summary.counts.rejected or not parsed.quiet:
        environment.echo_err(str(summary))
    return written or summary.exit_code
