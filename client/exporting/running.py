"""Runs an export: opens the output, shows progress, and says how it ended."""

import os
import time

from client.environment import Environment
from client.exporting.arguments import STDOUT, ExportOptions
from client.exporting.direct_output import DirectOutput
from client.exporting.job import ExportJob, Output
from client.exporting.partial_file import PartialFile
from client.exporting.position import ExportKey, Position
from client.exporting.progress import (
    BarProgress,
    LineProgress,
    Progress,
    describe_rows,
    describe_size,
)
from client.exporting.requests import StreamSource
from client.output.destination import open_destination
from client.tokens.access_tokens import AccessTokens
from client.tokens.choosing import choose_token
from encore.client.errors import ClientError, UsageError
from encore.client.urls import require_https


def run_job(environment: Environment, options: ExportOptions) -> None:
    """Run an export.

    Raises:
        ClientError: See ``encore.client.errors``; the message says whether it can be resumed.
    """
    if not options.insecure:
        require_https(options.url, "token")
    with AccessTokens(choose_token(environment), insecure=options.insecure) as tokens:
        source = StreamSource(tokens, options.format, options.timeout)
        output, position = _open_output(environment, options)
        try:
            progress = _create_progress(environment, options, source)
            job = ExportJob(source, output, progress, options.url, position)
            started = time.monotonic()
            with progress:
                _run(environment, options, job)
            output.commit()
        except ClientError as error:
            error.args = (f"{error}{_describe_rest(output, options)}",)
            raise
        except KeyboardInterrupt:
            environment.echo_err(_describe_rest(output, options).lstrip() or "Nothing was kept.")
            raise
        finally:
            output.keep()
    if not options.quiet:
        seconds = time.monotonic() - started
        environment.echo_err(_summarize(job, options, seconds))


def _run(environment: Environment, options: ExportOptions, job: ExportJob) -> None:
    """Run a job, again after failures if that was asked for. Raise ``ClientError``."""
    if not options.retries:
        job.run()
        return
    from client.importing.retries import RetryPolicy, is_transient  # noqa: PLC0415 - start-up.

    policy = RetryPolicy(options.retries + 1, environment.echo_err)
    policy.call(job.run, lambda error: is_transient(error) and job.can_continue)


def _open_output(
    environment: Environment, options: ExportOptions
) -> tuple[Output, Position | None]:
    """Return where rows are written to, and where an earlier run has stopped."""
    path, echo = options.output, environment.echo_err
    if path == STDOUT or (os.path.exists(path) and not os.path.isfile(path)):
        if options.resume:
            raise UsageError(f"--resume: {path} is not a regular file, which can be continued.")
        if os.path.isdir(path):
            raise UsageError(f"--output {path} is a folder; nothing was sent.")
        destination = open_destination(environment, None if path == STDOUT else path)
        if options.gzip and destination.is_terminal:
            raise UsageError("--gzip writes binary data: name a file with --output, or a pipe.")
        return DirectOutput(destination, gzip=options.gzip), None
    file = PartialFile(path, ExportKey(options.url, options.format, options.gzip))
    try:
        position = file.resume() if options.resume else None
        if position is None:
            lost = file.restart()
            if options.resume:
                echo("Nothing can be resumed: the export starts with the first row.")
            elif lost:
                echo(f"Starting over; --resume would have continued after {lost} rows.")
        elif not options.quiet:
            echo(f"Resuming after {position.rows} rows.")
    except BaseException:
        # What another export has left stays.
        file.close()
        raise
    return file, position


def _create_progress(
    environment: Environment, options: ExportOptions, source: StreamSource
) -> Progress:
    if options.quiet:
        return Progress()
    if not environment.is_terminal(environment.stderr):
        return LineProgress(environment)
    if options.output == STDOUT and environment.is_terminal(environment.stdout):
        return Progress()  # Rows are the progress.
    return BarProgress(environment, source.count(options.url))


def _describe_rest(output: Output, options: ExportOptions) -> str:
    """Close an output that is not complete; return what can be done with it."""
    if output.keep():
        return f"\n{options.output}.part has what was received: --resume continues after it."
    return ""


def _summarize(job: ExportJob, options: ExportOptions, seconds: float) -> str:
    rows = describe_rows(job.rows) if job.counts_rows else ""
    where = "" if options.output == STDOUT else f" to {options.output}"
    return f"Exported {rows}{describe_size(job.size)}{where} in {seconds:.1f} s."
