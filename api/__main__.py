"""``python -m api``: the commands of ``python -m encore`` for this service.

``python -m api`` starts the service, ``python -m api dev`` starts it together with a development
issuer, ``python -m api doctor`` checks the settings and, optionally, an access token, and ``python
-m api doctor token`` says why a token is rejected.
"""

import os
import sys
from typing import Any, Final

from encore.cli import EXIT_OK, EXIT_USAGE, run_command

TARGET: Final = "api.app:create_service"
USAGE: Final = """\
usage: python -m api [dev | doctor [TOKEN | -] | doctor token [TOKEN]]

A token is read from stdin for -, and if doctor token names none."""


def main(arguments: list[str]) -> int:
    """Run a command; return the exit code."""
    match arguments:
        case []:
            return run_command("api", "serve", TARGET, [], USAGE)
        case [*_, "-h" | "--help"]:
            print(USAGE)  # noqa: T201 - the answer to --help
            return EXIT_OK
        case ["dev" | "doctor" as command, *rest]:
            return run_command("api", command, TARGET, rest, USAGE, _examples)
        case _:
            print(USAGE, file=sys.stderr)  # noqa: T201 - wrong usage
            return EXIT_USAGE


def _examples(url: str, service: Any) -> str:
    """Return example commands of the client that list, create and delete parts.

    The client reads the same settings files; only an issuer set elsewhere is repeated.
    """
    python = os.path.relpath(sys.executable)
    client = f"{_issuer_variable(service.settings.issuer)}{python} -m client {url}/parts"
    return (
        f"  {client}\n"
        f'  {client} post \'{{"partNumber":"ban-bd","modelNumber":1,'
        '"name":"Banana Bread","description":"Bread made from bananas"}\'\n'
        f"  {client}/1 delete"
    )


def _issuer_variable(issuer: str) -> str:
    """Return the assignment of ``ISSUER`` to put before a command, or an empty string."""
    from encore.settings import read_layers  # noqa: PLC0415 - only for dev

    return "" if read_layers(environ={}).get("ISSUER") == issuer else f"ISSUER={issuer} "


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
