"""Tokens that were revoked before their time, by ``jti``, out of a file that operators write.

One ``jti`` a line; empty lines and lines that begin with ``#`` count for nothing. The list is held
in memory, so that a request pays one look-up; the file is looked at every second, in a thread, and
read again when it changed. A list that cannot be read any more stays in force as it was: a lost
file must not bring revoked tokens back. A token without ``jti`` cannot be revoked one by one.
"""

import asyncio
import errno
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""A quarter of a million ids of 64 characters; longer lists belong into introspection."""

WATCH_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class RevocationList:
    """The list; call it with a token's claims to ask.

    Args:
        path: The file.
        max_bytes: The most that it may hold, in bytes.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._ids: frozenset[str] = frozenset()
        self._seen: tuple[int, int, int] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def __call__(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the token with these claims was revoked."""
        return claims.get("jti") in self._ids

    def read(self) -> None:
        """Read the file, unless it is the one that was read last.

        Raises:
            OSError: It cannot be read.
            ValueError: It is too large, or not UTF-8.
        """
        with self._path.open("rb") as file:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen == self._seen:
                return
            content = file.read(self._max_bytes + 1)
        if len(content) > self._max_bytes:
            raise ValueError(f"it is larger than {self._max_bytes} bytes")
        lines = (line.strip() for line in content.decode("utf-8-sig").splitlines())
        self._ids = frozenset(line for line in lines if line and not line.startswith("#"))
        self._seen = seen

    async def watch(self, seconds: float = WATCH_SECONDS) -> None:
        """Read the file whenever it has changed, until cancelled.

        Args:
            seconds: The pause between two looks.
        """
        failed = False
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.read)
            except (OSError, ValueError) as error:
                if not failed:  # Once, and not every second.
                    cause = errno.errorcode.get(getattr(error, "errno", None) or 0, "unusable")
                    _log.error("revoked tokens: %s: %s", type(error).__name__, cause)
                failed = True
            else:
                failed = False
