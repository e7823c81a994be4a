"""Revoked tokens, by ``jti``, from a file that operators write.

One ``jti`` a line; empty lines and lines that begin with ``#`` are ignored. The list is in memory,
so that a request costs one look-up; the file is checked every second, in a thread, and read again
if it has changed. If it can no longer be read, the last list stays in force: a lost file must not
make revoked tokens valid. A token without ``jti`` cannot be revoked.
"""

import asyncio
import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog

MAX_BYTES: Final = 16 * 1024 * 1024
"""A quarter of a million ids of 64 characters; for longer lists use introspection."""

WATCH_SECONDS: Final = 1.0

_log: Final = structlog.get_logger("encore.auth")


class RevocationList:
    """The list of revoked tokens; call it with a token's claims.

    Args:
        path: The file.
        max_bytes: The maximum size of the file, in bytes.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._ids: frozenset[str] = frozenset()
        self._seen: tuple[int, int, int] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def __call__(self, claims: Mapping[str, Any]) -> bool:
        """Return whether the token with these claims was revoked."""
        return claims.get("jti") in self._ids

    def read(self) -> None:
        """Read the file if it has changed.

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
            seconds: The pause between two checks.
        """
        failed = False
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.read)
            except (OSError, ValueError) as error:
                if not failed:  # Log once, not every second.
                    cause = errno.errorcode.get(getattr(error, "errno", None) or 0, "unusable")
                    name = type(error).__name__
                    _log.error("revoked tokens not read", error=name, code=cause)
                failed = True
            else:
                failed = False
