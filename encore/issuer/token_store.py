"""The tokens that are alive, for introspection (RFC 7662) and revocation (RFC 7009).

Kept in memory, by hash, bounded. A token that is not here is not active: what falls out of a full
ledger is refused rather than revived, and a restart forgets all tokens with the key that signed
them. Resource servers that verify signatures alone do not see a revocation; that is the nature of
self-contained tokens. For them the ``jti`` of each revoked token can be written to a file.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CAPACITY = 10_000


@dataclass(frozen=True)
class ActiveToken:
    """What is known of one live token.

    Args:
        client_id: The client it was issued to.
        scope: Its scopes, divided by spaces.
        claims: What it says.
    """

    client_id: str
    scope: str
    claims: Mapping[str, Any]


class TokenStore:
    """Live tokens, oldest first.

    Args:
        capacity: How many tokens are remembered; the oldest gives way.
        revoked: The file to which each revoked token's ``jti`` is added; None for none.
    """

    def __init__(self, capacity: int = CAPACITY, revoked: Path | None = None) -> None:
        self._capacity = capacity
        self._revoked = revoked
        self._entries: OrderedDict[bytes, ActiveToken] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, token: str, entry: ActiveToken) -> None:
        """Remember a token that was just issued."""
        self._entries[_digest(token)] = entry
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def find(self, token: str, now: float) -> ActiveToken | None:
        """Give what is known of a token, or None when it is not active.

        Args:
            token: As the client sent it; anything at all.
            now: Seconds since the epoch.
        """
        digest = _digest(token)
        entry = self._entries.get(digest)
        if entry is not None and entry.claims["exp"] <= now:
            del self._entries[digest]
            return None
        return entry

    def revoke(self, token: str) -> None:
        """Forget a token: from now on it is not active."""
        entry = self._entries.pop(_digest(token), None)
        if entry is not None and self._revoked is not None and "jti" in entry.claims:
            with self._revoked.open("a", encoding="utf-8") as file:
                file.write(f"{entry.claims['jti']}\n")


def _digest(token: str) -> bytes:
    # By hash: what is kept cannot be used as a token.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
