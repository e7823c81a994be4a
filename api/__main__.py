"""``python -m api``: serve. ``python -m api dev``: serve, with a development issuer beside it."""

import sys
from typing import Final

from api.settings import CannotStart

USAGE: Final = "usage: python -m api [dev]"
EXIT_CANNOT_START: Final = 1
EXIT_USAGE: Final = 2


def main(arguments: list[str]) -> int:
    """Run a command; whatever keeps it from starting is one line on stderr."""
    try:
        match arguments:
            case []:
                _serve()
            case ["dev"]:
                from api.development import run  # noqa: PLC0415 - not needed to serve

                run()
            case ["-h" | "--help"]:
                print(USAGE)  # noqa: T201 - the answer to --help
            case _:
                print(USAGE, file=sys.stderr)  # noqa: T201
                return EXIT_USAGE
    except CannotStart as reason:
        print(f"api: {reason}", file=sys.stderr)  # noqa: T201
        return EXIT_CANNOT_START
    except KeyboardInterrupt:
        pass  # Before there was anything to stop.
    return 0


def _serve() -> None:
    from api.logs import configure_logs  # noqa: PLC0415 - a wrong word needs no imports
    from api.schema import check_schema  # noqa: PLC0415
    from api.server import serve  # noqa: PLC0415
    from api.settings import Settings  # noqa: PLC0415

    settings = Settings.load()
    configure_logs(settings.log_level, readable=sys.stderr.isatty())
    check_schema(settings.database_url)
    serve(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
