"""The store of active tokens, for introspection (RFC 7662) and revocation (RFC 7009).

In memory, by hash, limited in number. A token that is not in the store is not active: tokens that
are evicted from a full store become inactive, and a restart discards all tokens with the key that
signed them. Resource servers that only verify signatures do not notice a revocation; for them the
``jti`` of each revoked token can be appended to a file.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from encore.issuer.oauth_errors import UnsupportedTokenTypeError

CAPACITY: Final = 10_000
_JWT_DOTS: Final = 2


@dataclass(frozen=True)
class ActiveToken:
    """An active token.

    Args:
        client_id: The client it was issued to.
        scope: Its scopes, space-delimited.
        claims: Its payload.
        user: The name of the user; None for the client itself.
    """

    client_id: str
    scope: str
    claims: Mapping[str, Any]
    user: str | None = None


class TokenStore:
    """The active tokens, oldest first.

    Args:
        capacity: Maximum number of tokens; the oldest is evicted.
        revoked: File to which the ``jti`` of each revoked token is appended; None for none.
    """

    def __init__(self, capacity: int = CAPACITY, revoked: Path | None = None) -> None:
        self._capacity = capacity
        self._revoked = revoked
        self._entries: OrderedDict[bytes, ActiveToken] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, id_: bytes) -> bool:
        return id_ in self._entries

    def add(self, token: str, entry: ActiveToken) -> bytes:
        """Add a token that was just issued; return its id, for ``revoke_by_id``."""
        id_ = _digest(token)
        self._entries[id_] = entry
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return id_

    def find(self, token: str, now: float) -> ActiveToken | None:
        """Return an active token; None if it is not active.

        Args:
            token: As the client sent it; any string.
            now: Seconds since 1970.
        """
        digest = _digest(token)
        entry = self._entries.get(digest)
        if entry is not None and entry.claims["exp"] <= now:
            del self._entries[digest]
            return None
        return entry

    def revoke(self, token: str) -> None:
        """Remove a token: it is no longer active.

        Raises:
            OSError: The file of revoked tokens cannot be written; the token stays active.
            UnsupportedTokenTypeError: It is a JWT without ``jti``: services would go on to
                accept it.
        """
        entry = self._entries.get(_digest(token))
        if entry is None:
            return
        if self._revoked is not None and "jti" in entry.claims:
            _append_line(self._revoked, entry.claims["jti"])
        elif self._revoked is not None and token.count(".") == _JWT_DOTS:
            raise UnsupportedTokenTypeError(
                "The token has no jti, by which services would know that it is revoked:"
                " with TOKEN_PROFILE=rfc9068 tokens have one."
            )
        del self._entries[_digest(token)]

    def revoke_by_id(self, id_: bytes) -> None:
        """Remove a token by the id that ``add`` returned.

        Raises:
            OSError: The file of revoked tokens cannot be written; the token stays active.
        """
        entry = self._entries.get(id_)
        if entry is None:
            return
        if self._revoked is not None and "jti" in entry.claims:
            _append_line(self._revoked, entry.claims["jti"])
        del self._entries[id_]


def _append_line(path: Path, line: str) -> None:
    """Append a line to a file, whose last line may lack its newline."""
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = f"\n{line}"
        file.write(f"{line}\n".encode())


def _digest(token: str) -> bytes:
    # A hash cannot be used as a token.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
