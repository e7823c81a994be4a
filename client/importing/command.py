"""The command ``import timesheets SOURCE``: joins the job's parts and tells how it ended."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from client.address import check_url
from client.context import Context
from client.errors import UsageError
from client.importing.arguments import make_parser
from client.output import write_text
from client.status import ExitCode

if TYPE_CHECKING:
    from client.importing.sources import Source

STDIN: Final = "-"
_OPTIONS: Final = (
    "kind",
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
"""Arguments that are the job's options by name."""


def run(context: Context) -> ExitCode:
    """Import what the arguments ask for.

    Raises:
        ClientError: See ``client.errors``.
    """
    parser = make_parser()
    asked = parser.parse_intermixed_args(context.argv[1:])
    if asked.help:
        return write_text(context, parser.format_help().rstrip())
    if not asked.source:
        raise UsageError(parser.format_usage().rstrip())
    return _import(context, asked)


def _import(context: Context, asked: argparse.Namespace) -> ExitCode:
    # Only now: the parts of the job take longer to import than the arguments to read.
    from client.importing.job import ImportJob  # noqa: PLC0415
    from client.importing.mapping import FieldMapping, load_mapping  # noqa: PLC0415
    from client.importing.options import ImportOptions  # noqa: PLC0415
    from client.importing.progress import choose_progress  # noqa: PLC0415
    from client.importing.settings import load_import_settings  # noqa: PLC0415
    from client.importing.sources import StreamSource, find_source  # noqa: PLC0415

    chosen = {name: value for name, value in vars(asked).items() if value is not None}
    options = ImportOptions(**{name: chosen[name] for name in _OPTIONS if name in chosen})
    mapping = load_mapping(asked.mapping) if asked.mapping else FieldMapping()
    settings = load_import_settings(context.environment, context.directory)
    if asked.url:
        check_url(asked.url, "--url", UsageError)
        settings = replace(settings, url=asked.url)
    if asked.source == STDIN:
        source: Source = StreamSource(context.stdin.buffer)
    else:
        source = find_source(asked.source, settings.credentials, mapping, options)
    with (
        choose_progress(context, quiet=asked.quiet) as progress,
        ImportJob(source, settings, mapping, options, progress) as job,
    ):
        summary = job.run()
    if summary.counts.rejected or not asked.quiet:
        context.say(str(summary))
    return ExitCode.REJECTED if summary.counts.rejected else ExitCode.OK
