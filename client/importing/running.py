"""Runs the import that the arguments describe: build the job, and report its end."""

import argparse
from dataclasses import replace
from typing import Final

from client.environment import Environment
from client.exit_codes import ExitCode
from client.importing.job import ImportJob
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.loading import load_mapping
from client.importing.options import ImportOptions
from client.importing.preview.command import create_report, run_preview, show_report
from client.importing.progress import create_progress
from client.importing.replacing.replace_job import ReplaceJob
from client.importing.settings import ImportSettings, load_import_settings
from client.importing.sources.creating import create_source
from client.importing.sources.headers import read_header_variables
from client.importing.sources.source import Source
from client.importing.sources.stream import StreamSource
from client.importing.targets.fetching import fetch_target
from client.importing.targets.target import Target
from client.importing.targets.timesheets import TIMESHEETS
from encore.client.errors import ClientError, UsageError
from encore.client.urls import validate_url

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


def run_job(environment: Environment, parsed: argparse.Namespace) -> ExitCode:
    """Run the import, or its preview.

    Raises:
        ClientError: See ``encore.client.errors``.
    """
    _check_arguments(parsed)
    chosen = {name: value for name, value in vars(parsed).items() if value is not None}
    options = ImportOptions(**{name: chosen[name] for name in _OPTIONS if name in chosen})
    if parsed.preview:
        mapping = load_mapping(parsed.mapping, parsed.overrides or ())
        return run_preview(environment, parsed, mapping, options)
    settings = load_import_settings(environment.variables, environment.directory)
    if parsed.url:
        validate_url(parsed.url, "--url", UsageError)
        settings = replace(settings, url=parsed.url)
    target, settings = _find_target(parsed, settings)
    mapping = load_mapping(parsed.mapping, parsed.overrides or (), target)
    source = _create_source(environment, parsed, settings, mapping, options)
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


def _check_arguments(parsed: argparse.Namespace) -> None:
    """Raise ``UsageError`` if two arguments contradict each other."""
    if parsed.replace and parsed.batch_size is not None and not parsed.preview:
        raise UsageError(
            "--replace and --batch-size exclude each other: all rows are sent in one request."
        )
    if parsed.resource == TIMESHEETS.name:
        if parsed.key is not None:
            raise UsageError(
                "--key is not for timesheets: external_id in the mapping names what identifies"
                " their rows."
            )
        return
    for name in ("since", "replace"):
        if getattr(parsed, name):
            raise UsageError(f"--{name} is for timesheets only: other rows have no day.")
    if parsed.preview:
        raise UsageError(
            f"--preview is for timesheets only: the API knows the fields of {parsed.resource}, and"
            " a preview uses no network. Use --dry-run."
        )


def _find_target(
    parsed: argparse.Namespace, settings: ImportSettings
) -> tuple[Target, ImportSettings]:
    """Return what is imported into, and the settings with the URL of its upload."""
    if parsed.resource == TIMESHEETS.name:
        return TIMESHEETS, settings
    target, url = fetch_target(settings, parsed.resource, parsed.key, insecure=parsed.insecure)
    return target, replace(settings, url=url, scope=target.scope)


def _create_source(
    environment: Environment,
    parsed: argparse.Namespace,
    settings: ImportSettings,
    mapping: FieldMapping,
    options: ImportOptions,
) -> Source:
    if parsed.source == STDIN:
        return StreamSource(environment.stdin.buffer)
    variables = read_header_variables(mapping.headers, environment.variables, environment.directory)
    return create_source(parsed.source, settings.credentials, mapping, options, variables)
