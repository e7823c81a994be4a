"""The command ``import``: parse the arguments, then run the job or print the shipped mappings."""

import argparse

from client.environment import Environment
from client.exit_codes import ExitCode
from client.importing.arguments import build_parser
from client.output import write_text
from encore.client.errors import UsageError


def run_import(environment: Environment) -> ExitCode:
    """Run the import that the arguments describe.

    Raises:
        ClientError: See ``encore.client.errors``.
    """
    parser = build_parser()
    parsed = parser.parse_intermixed_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    if parsed.list_mappings or parsed.show_mapping:
        return _show_mappings(environment, parsed)
    if not parsed.source:
        raise UsageError(parser.format_usage().rstrip())
    # Imported only now: the job's modules take longer to import than the arguments to parse.
    from client.importing.running import run_job  # noqa: PLC0415 - start-up.

    return run_job(environment, parsed)


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
