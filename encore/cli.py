"""``python -m encore``: run, check and migrate a service.

A service's own package may offer the same commands without naming the target each time: ``api``
does, by ``run_command`` with a ``Target``.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from encore.errors import StartupError

USAGE: Final = """\
usage: python -m encore COMMAND

  dev app:service                    serve, with a development issuer and a database that is created
  serve app:service                  serve, with the issuers and the database of the settings
  doctor app:service [TOKEN | -]     check settings, database, issuers, and a token (-: from stdin)
  doctor app:service token [TOKEN]   say why a token is rejected, or what it allows (from stdin)
  prune history app:service          delete versions of rows that are older than the retention;
                                     --dry-run counts them
  purge app:service [OPTIONS]        delete soft-deleted rows for good: --older-than 30d,
                                     --resource parts, --dry-run
  migrations init [app:service]      write alembic.ini and migrations/

app:service is the module and the name of a Service."""

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
"""It cannot start, or the doctor has found something wrong."""

EXIT_USAGE: Final = 2
_DRY_RUN: Final = "--dry-run"
DEFAULT_TARGET: Final = "app:service"

Examples = Callable[..., str]


def main(arguments: Sequence[str]) -> int:
    """Run a command of ``python -m encore``; return the exit code."""
    match arguments:
        case [*_, "-h" | "--help"]:
            print(USAGE)  # noqa: T201 - the answer to --help
            return EXIT_OK
        case ["migrations", "init", *given] if _is_target(given):
            target = next(iter(given), DEFAULT_TARGET)
            return _reporting("encore", lambda: _init_migrations(target))
        case ["prune", "history", target, *rest] if rest in ([], [_DRY_RUN]):
            return _reporting("encore", lambda: _prune_history(target, dry_run=bool(rest)))
        case ["purge", target, *options] if not target.startswith("-"):
            return _run_purge(target, options)
        case ["dev" | "serve" | "doctor" as command, target, *rest] if not target.startswith("-"):
            return run_command("encore", command, target, rest, USAGE)
        case _:
            print(USAGE, file=sys.stderr)  # noqa: T201
            return EXIT_USAGE


def run_command(  # noqa: PLR0917 - a command line, in its order
    program: str,
    command: str,
    target: str,
    rest: Sequence[str],
    usage: str,
    examples: Examples | None = None,
) -> int:
    """Run ``dev``, ``serve`` or ``doctor`` for a service; return the exit code.

    Args:
        program: The name before each line on stderr.
        command: One of the three.
        target: ``module:attribute`` of the service.
        rest: Further arguments.
        usage: What is printed for arguments that are invalid.
        examples: Returns the commands that ``dev`` prints (``encore.server.development``).
    """
    match command, rest:
        case "dev", []:
            return _reporting(program, lambda: _develop(target, examples))
        case "serve", []:
            return _reporting(program, lambda: _serve(target))
        case "doctor", ["token", *given] if _is_token(given):
            return _reporting(program, lambda: _diagnose(target, given or ["-"], only_token=True))
        case "doctor", given if _is_token(given):
            return _reporting(program, lambda: _diagnose(target, given))
        case _:
            print(usage, file=sys.stderr)  # noqa: T201
            return EXIT_USAGE


def _reporting(program: str, work: Callable[[], int | None]) -> int:
    """Run a command; a reason not to start is one line on stderr."""
    try:
        return work() or EXIT_OK
    except StartupError as error:
        for line in str(error).splitlines():
            print(f"{program}: {line}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    except KeyboardInterrupt:  # Before there was anything to stop.
        # Coroutines that it interrupted would be reported as never awaited.
        warnings.simplefilter("ignore", RuntimeWarning)
        return EXIT_OK


def _develop(target: str, examples: Examples | None) -> None:
    from encore.server.development import example_requests, run_development  # noqa: PLC0415 - a wrong word needs no imports
    from encore.service.target import Target  # noqa: PLC0415

    run_development(Target(target), examples or example_requests)


def _serve(target: str) -> None:
    from encore.server.logs import configure_logs  # noqa: PLC0415 - a wrong word needs no imports
    from encore.server.server import serve  # noqa: PLC0415
    from encore.service.target import Target  # noqa: PLC0415

    service = Target(target).load()
    settings = service.settings
    configure_logs(settings.log_level, readable=sys.stderr.isatty())
    service.schema().check(wait_seconds=settings.database_wait_seconds)
    serve(service)


def _is_target(given: Sequence[str]) -> bool:
    """Return whether arguments are one target, or nothing."""
    return len(given) <= 1 and not any(text.startswith("-") for text in given)


def _is_token(given: Sequence[str]) -> bool:
    """Return whether arguments are a token, ``-`` for one from stdin, or nothing."""
    return len(given) <= 1 and all(text == "-" or not text.startswith("-") for text in given)


def _read_token() -> str:
    """Read a token from stdin; at a terminal it is not shown."""
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read().decode(errors="replace")
    from getpass import getpass  # noqa: PLC0415 - only at a terminal

    try:
        return getpass("Paste the token and press Enter (it is not shown): ")
    except EOFError:
        return ""


def _diagnose(target: str, given: Sequence[str], *, only_token: bool = False) -> int:
    from encore.doctor import run_checks  # noqa: PLC0415 - not needed to serve
    from encore.service.target import Target  # noqa: PLC0415

    token = _read_token() if "-" in given else next(iter(given), None)
    return EXIT_OK if run_checks(Target(target), token, only_token=only_token) else EXIT_FAILED


def _prune_history(target: str, *, dry_run: bool) -> None:
    from encore.history.pruning import describe, prune_histories  # noqa: PLC0415 - not needed to serve
    from encore.service.target import Target  # noqa: PLC0415

    service = Target(target).load()
    service.schema().check(wait_seconds=service.settings.database_wait_seconds)
    for pruned in prune_histories(service.database, service.crud.histories, dry_run=dry_run):
        print(describe(pruned, dry_run=dry_run))  # noqa: T201 - the report


def _run_purge(target: str, arguments: Sequence[str]) -> int:
    from encore.service.purge_command import parse_options, run_purge  # noqa: PLC0415 - not needed to serve

    try:
        options = parse_options(arguments)
    except ValueError as error:
        print(f"encore: purge: {error}\n\n{USAGE}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    return _reporting("encore", lambda: run_purge(target, options))


def _init_migrations(target: str) -> None:
    from encore.migrations.init import write_migrations  # noqa: PLC0415 - not needed to serve

    if target.count(":") != 1:
        raise StartupError(f"{target}: must be module:attribute, such as app:service")
    for path in write_migrations(target, Path.cwd()):
        print(f"wrote {path.relative_to(Path.cwd())}")  # noqa: T201
    print(  # noqa: T201
        "Next: alembic revision --autogenerate -m 'first', then alembic upgrade head"
    )
