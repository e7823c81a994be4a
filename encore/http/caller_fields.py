"""The fields of a log line that name the caller: issuer, subject and client.

A subject is a person's: the setting LOG_SUBJECTS has it logged as it is, hashed, or not at all. The
hash is HMAC-SHA256 over issuer and subject: it is the same in all processes that share the secret
key, so that the lines of one person can be found together, and who it is cannot be found by
guessing. Claims are of any length and content; fields have no unprintable characters and at most
``MAX_CHARACTERS``.
"""

import asyncio
import hmac
from hashlib import sha256
from typing import Any, Final

from encore.http.principal import Principal
from encore.secret_key import Secret

PLAIN: Final = "plain"
HASHED: Final = "hashed"
NONE: Final = "none"
SUBJECTS: Final = (PLAIN, HASHED, NONE)
"""How subjects are logged."""

MAX_CHARACTERS: Final = 256
"""Of a field; longer values end in a hash, so that different ones stay different."""

_PURPOSE: Final = "encore.log.subjects"
_KEY_BYTES: Final = 32
_HASH_CHARACTERS: Final = 32
"""128 bits: no two subjects of a service have the same."""

_CACHE_SIZE: Final = 1_024

Fields = tuple[str | None, str | None, str | None]
"""Issuer, subject and client."""


class CallerFields:
    """Returns the fields of a caller; they are made once for each caller, not for each request.

    Args:
        subjects: ``plain``, ``hashed`` or ``none``.
        secret: The secret key that hashes are made with.

    Raises:
        ValueError: ``subjects`` is another word, or there is no secret for hashes.
    """

    def __init__(self, subjects: str = PLAIN, secret: Secret | None = None) -> None:
        if subjects not in SUBJECTS:
            raise ValueError(f"subjects must be one of {', '.join(SUBJECTS)}")
        if subjects == HASHED and secret is None:
            raise ValueError("hashed subjects need a secret")
        self._subjects = subjects
        self._secret = secret if subjects == HASHED else None
        self._loading: asyncio.Task[None] | None = None
        self._made: dict[tuple[Any, ...], Fields] = {}

    def of(self, principal: Principal) -> Fields:
        """Return issuer, subject and client of a caller.

        The subject is None until the secret key has been read: a hash of another key would not be
        found again.
        """
        key: tuple[Any, ...] = principal.key
        if self._secret is not None and not self._secret.loaded:
            self._load(self._secret)
            return field(key[0]), None, field(key[1])
        try:
            found = self._made.get(key)
        except TypeError:  # Claims that another middleware has set may be of any type.
            return self._make(*key)
        return self._add(key) if found is None else found

    def _add(self, key: tuple[Any, ...]) -> Fields:
        """Make the fields of a caller and keep them, unless its claims are very long."""
        made = self._make(*key)
        if sum(len(str(claim)) for claim in key) <= MAX_CHARACTERS * len(key):
            if len(self._made) >= _CACHE_SIZE:
                del self._made[next(iter(self._made))]
            self._made[key] = made
        return made

    def _make(self, issuer: str, client_id: str | None, subject: str) -> Fields:
        return field(issuer), self._subject(issuer, subject), field(client_id)

    def _subject(self, issuer: str, subject: str) -> str | None:
        if self._subjects == NONE:
            return None
        if self._secret is None:
            return field(subject)
        key = self._secret.derive(_PURPOSE, _KEY_BYTES)
        return hash_subject(key, issuer, subject)

    def _load(self, secret: Secret) -> None:
        """Read the key in the background; ``Secret.load`` limits how often it tries."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.get_running_loop().create_task(secret.load())


def hash_subject(key: bytes, issuer: str, subject: str) -> str:
    """Return the hash that stands for a subject of an issuer in the log."""
    pair = f"{issuer}\0{subject}".encode(errors="surrogatepass")
    return hmac.new(key, pair, sha256).hexdigest()[:_HASH_CHARACTERS]


def field(value: str | None) -> str | None:
    """Return a claim as the value of a field: printable, and not too long."""
    if not value:
        return None
    text = str(value)
    if len(text) > MAX_CHARACTERS:
        digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
        text = f"{text[: MAX_CHARACTERS - _HASH_CHARACTERS - 3]}...{digest}"
    return escape_unprintable(text)


def escape_unprintable(text: str) -> str:
    r"""Return a text with unprintable characters, line breaks among them, as ``\u000a``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    r"""Return ``\u000a`` or, beyond U+FFFF, two surrogates, as JSON does."""
    octets = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(rf"\u{octets[i]:02x}{octets[i + 1]:02x}" for i in range(0, len(octets), 2))
