"""``python -m api``: serve. ``python -m api dev``: serve, with a development issuer beside it.

``python -m api doctor``: say what is wrong with the settings and, given one, with a token.
"""

import sys
from typing import Final

from encore.settings import StartupError

USAGE: Final = "usage: python -m api [dev | doctor [TOKEN | -]]    (-: read the token from stdin)"
EXIT_CANNOT_START: Final = 1
EXIT_UNWELL: Final = 1
EXIT_USAGE: Final = 2


def main(arguments: list[str]) -> int:
    """Run a command; whatever keeps it from starting is one line on stderr."""
    try:
        match arguments:
            case []:
                _serve()
            case ["dev"]:
                from encore.server.development import run  # noqa: PLC0415 - not needed to serve

                run()
            case ["doctor"]:
                return _examine(None)
            case ["doctor", "-"]:
                return _examine(sys.stdin.read())
            case ["doctor", token] if not token.startswith("-"):
                return _examine(token)
            case ["-h" | "--help"]:
                print(USAGE)  # noqa: T201 - the answer to --help
            case _:
                print(USAGE, file=sys.stderr)  # noqa: T201
                return EXIT_USAGE
    except StartupError as reason:
        print(f"api: {reason}", file=sys.stderr)  # noqa: T201
        return EXIT_CANNOT_START
    except KeyboardInterrupt:
        pass  # Before there was anything to stop.
    return 0


def _serve() -> None:
    from encore.server.logs import configure_logs  # noqa: PLC0415 - a wrong word needs no imports
    from encore.server.server import serve  # noqa: PLC0415
    from encore.service.schema_check import check_schema  # noqa: PLC0415
    from encore.settings import Settings  # noqa: PLC0415

    settings = Settings.load()
    configure_logs(settings.log_level, readable=sys.stderr.isatty())
    check_schema(settings.database_url, wait_seconds=settings.database_wait_seconds)
    serve(settings)


def _examine(token: str | None) -> int:
    from encore.doctor import examine  # noqa: PLC0415 - not needed to serve

    return 0 if examine(token) else EXIT_UNWELL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
