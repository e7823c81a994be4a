"""The command ``generate``."""

import difflib
import os
from itertools import islice
from typing import Final

from client.arguments import OnceArgumentParser
from client.environment import Environment
from client.exit_codes import ExitCode
from client.output.text import write_text
from encore.client.errors import UnexpectedResponseError, UsageError

_SHOWN_LINES: Final = 20

_DESCRIPTION: Final = """\
Write a Python module of types from the API's description (OpenAPI): a TypedDict for
each kind of row and body, and clients of encore.client with these types.

  python -m client generate http://localhost:3000 --output shop.py
  python -m client generate http://localhost:3000 --output shop.py --check
"""


def run_generate(environment: Environment) -> ExitCode:
    """Write the module, or compare it with the one that is there.

    Raises:
        ClientError: The description cannot be read; see ``encore.client.errors``.
    """
    parser = _parser()
    parsed = parser.parse_args(environment.argv[1:])
    if parsed.help:
        return write_text(environment, parser.format_help().rstrip())
    if parsed.output == "":
        raise UsageError("--output must name a file.")
    if parsed.check and not parsed.output:
        raise UsageError("--check needs --output FILE, the module to compare.")
    # Imported on demand: help and usage must not pay for it.
    from client.generating.fetching import check_description, read_description  # noqa: PLC0415 - start-up.
    from client.generating.module import generate_module  # noqa: PLC0415 - start-up.

    document = read_description(environment, parsed.source or "", insecure=parsed.insecure)
    description = check_description(document)
    try:
        module = generate_module(description)
        compile(module, "module", "exec", dont_inherit=True)
    except (RecursionError, SyntaxError, MemoryError) as error:
        raise UnexpectedResponseError(
            "No module can be written of this description: it is nested too deeply."
        ) from error
    if parsed.check:
        return _compare(environment, parsed.output, module)
    if parsed.output:
        return _write(environment, parsed.output, module)
    return write_text(environment, module.rstrip("\n"))


def _write(environment: Environment, name: str, module: str) -> ExitCode:
    from client.output.file import OutputFile  # noqa: PLC0415 - start-up.

    output = OutputFile(_path(environment, name))
    try:
        output.write(module)
        output.commit()
    finally:
        output.discard()
    return ExitCode.OK


def _compare(environment: Environment, name: str, module: str) -> ExitCode:
    """Return ``DIFFERENT``, and show where, if the file does not have this content."""
    try:
        with open(_path(environment, name), encoding="utf-8", newline="") as file:  # noqa: PTH123 - start-up.
            present = file.read()
    except FileNotFoundError:
        present = ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--output {name} cannot be read: {reason}.") from error
    if present == module:
        return ExitCode.OK
    changes = difflib.unified_diff(
        present.splitlines(), module.splitlines(), name, "description", lineterm="", n=0
    )
    environment.echo_err("\n".join(islice(changes, _SHOWN_LINES)))
    environment.echo_err(f"{name} differs from the API's description: generate it again.")
    return ExitCode.DIFFERENT


def _path(environment: Environment, name: str) -> str:
    return os.path.join(environment.directory, name)  # noqa: PTH118 - start-up.


def _parser() -> OnceArgumentParser:
    from argparse import RawDescriptionHelpFormatter  # noqa: PLC0415 - loaded already

    parser = OnceArgumentParser(
        prog="python -m client generate",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "source",
        nargs="?",
        metavar="URL|FILE",
        help="the description, - for standard input (default: openapi.json below API_URL)",
    )
    add("-o", "--output", metavar="FILE", help="the module (default: standard output)")
    add("--check", action="store_true", help="write nothing; exit 15 if FILE differs")
    add("--insecure", action="store_true", help="send a token over http:// to another machine")
    add("-h", "--help", action="store_true", help="print this text and exit")
    return parser
