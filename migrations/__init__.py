"""Alembic migrations of this service. Only they create or change its tables."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Alembic's ``script_location``."""
