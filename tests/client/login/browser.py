"""A browser whose user allows what a page asks for: ``python browser.py URL [USER]``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import httpx

from tests.fixtures.consent import Person


def allow(url: str, user: str | None = None) -> httpx.Response:
    """Allow what a page asks for, and follow its redirect."""
    with Person() as person:
        callback = person.allow(url, user)
        return httpx.get(callback, trust_env=False)


if __name__ == "__main__":
    allow(*sys.argv[1:]).raise_for_status()
