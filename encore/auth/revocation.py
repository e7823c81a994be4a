"""Revoked tokens, by ``jti``, from a file that operators write.

One ``jti`` a line; empty lines and lines that begin with ``#`` are ignored. The list is in memory,
so that a request costs one look-up; the file is read every second, in a thread, and parsed again if
its content has changed: times, size and inode may all stay the same when it is rewritten. If it can
no longer be read, the last list stays in force: a lost file must not make revoked tokens valid.
For the same reason an id that disappears is revoked until the next look confirms it: many editors
truncate a file before they write it. A token without ``jti`` cannot be revoked.
"""

import asyncio
import errno
from collections.abc import Mapping
from hashlib import sha256
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
        self._read: frozenset[str] = frozenset()
        self._digest = b""

    def __len__(self) -> int:
        return len(self._ids)

    def __call__(self, claims: Mapping[str, Any]) -> bool:
        """Return whether the token with these claims was revoked."""
        return claims.get("jti") in self._ids

    def read(self) -> None:
        """Read the file: new ids are revoked at once, missing ones until the next reading.

        Raises:
            OSError: It cannot be read.
            ValueError: It is too large, or not UTF-8.
        """
        with self._path.open("rb") as file:
            content = file.read(self._max_bytes + 1)
        if len(content) > self._max_bytes:
            raise ValueError(f"it is larger than {self._max_bytes} bytes")
        digest = sha256(content).digest()
        last = self._read
        if digest != self._digest:
            self._read, self._digest = _parse(content), digest
        self._ids = self._read if last <= self._read else self._read | last

    async def watch(self, seconds: float = WATCH_SECONDS) -> None:
        """Read the file again and again, until cancelled.

        Args:
            seconds: The pause between two readings.
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


def _parse(content: bytes) -> frozenset[str]:
    lines = (line.strip() for line in content.decode("utf-8-sig").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))
