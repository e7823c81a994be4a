"""What to do about a database that cannot be opened, for the person who starts a service.

``startup.describe_failure`` says why; the log of a service that waits has no use for advice.
"""

from typing import Final

from encore.database.errors import DatabaseError
from encore.database.startup import describe_failure
from encore.database.urls import sqlite_path
from encore.errors import StartupError

_ADVICE: Final = {
    "28": "correct DATABASE_URL, or admit the user there",
    "3D000": "create it, or correct DATABASE_URL",
    "42501": "grant it",
    "53300": "close some, or raise max_connections",
    "57": "try again",
    "SQLITE_BUSY": "stop that process, or try again",
    "SQLITE_LOCKED": "stop that process, or try again",
    "SQLITE_NOTADB": "name another one",
    "SQLITE_CORRUPT": "restore a backup",
    "SQLITE_CANTOPEN": "correct DATABASE_URL, or let this user read it",
    "SQLITE_READONLY": "let this user write it",
    "SQLITE_PERM": "let this user read it",
}
"""What to do, by how the code begins."""


def explain(error: DatabaseError) -> str:
    """Return why a database cannot be opened, and what to do."""
    code = error.code or ""
    advice = next((words for key, words in _ADVICE.items() if code.startswith(key)), None)
    if isinstance(error.__cause__, ConnectionRefusedError):
        advice = "is it running, and is its host and port that of DATABASE_URL?"
    return f"{describe_failure(error)}; {advice}" if advice else describe_failure(error)


def check_file(url: str) -> None:
    """Reject the path of a SQLite file that cannot be one. Raises ``StartupError``."""
    path = sqlite_path(url)
    if path is None:
        return
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StartupError(f"DATABASE_URL: the folder {folder} does not exist; create it first")
    if path.is_dir():
        raise StartupError(f"DATABASE_URL: {path} cannot be read: it is a folder; name a file")
