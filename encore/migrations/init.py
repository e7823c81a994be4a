"""``python -m encore migrations init``: write what Alembic needs for a service.

``alembic.ini``, ``migrations/env.py``, ``migrations/script.py.mako`` and ``migrations/versions``.
Nothing that exists is overwritten.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

from encore.errors import StartupError

FOLDER: Final = "migrations"
_INI: Final = """\
[alembic]
script_location = %(here)s/migrations
prepend_sys_path = %(here)s
path_separator = os
file_template = %%(year)d%%(month).2d%%(day).2d_%%(slug)s
"""
_ENV: Final = '''\
"""Alembic's environment; the database is that of DATABASE_URL."""

from encore.migrations import run_service_migrations

run_service_migrations("{target}")
'''


def write_migrations(target: str, folder: Path) -> list[Path]:
    """Write the files into a project's folder; return their paths.

    Args:
        target: ``module:attribute`` of the service.
        folder: The project's.

    Raises:
        StartupError: One of the files exists, or cannot be written.
    """
    template = files("encore.migrations") / "templates" / "script.py.mako"
    texts = {
        folder / "alembic.ini": _INI,
        folder / FOLDER / "env.py": _ENV.format(target=target),
        folder / FOLDER / "script.py.mako": template.read_text(encoding="utf-8"),
        folder / FOLDER / "versions" / ".gitkeep": "",
    }
    for path in texts:
        if path.exists():
            raise StartupError(f"{path.relative_to(folder)}: exists already; nothing is written")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartupError(f"{error.filename}: cannot be written: {error.strerror}") from error
    return list(texts)
