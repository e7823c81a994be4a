"""The schema's history. Alembic owns the schema: nothing else creates or changes a table."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Alembic's ``script_location``."""
