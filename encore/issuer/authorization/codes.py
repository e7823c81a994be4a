"""Authorization codes: made after consent, redeemed once (RFC 6749 section 4.1.3, RFC 7636).

A code is consumed by the first complete token request that presents it, whether it fits or not. One
that is presented again has leaked, so that the tokens it gave are revoked (RFC 6749 section 4.1.2).
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from encore.issuer.expiring_store import ExpiringStore
from encore.issuer.oauth_errors import InvalidGrantError, InvalidRequestError
from encore.issuer.parameters import Parameters
from encore.issuer.user_tokens import REFRESH_SECONDS, TokenFamily, UserTokens

CODE_SECONDS: Final = 60
"""How long a code may be redeemed; RFC 6749 recommends at most ten minutes."""

_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_REQUIRED: Final = ("code", "redirect_uri", "code_verifier")
_FAILED: Final = (
    "The code is unknown, expired, used, or was issued to another client, redirect URI or"
    " code challenge."
)


@dataclass
class AuthorizationCode:
    """What a code stands for.

    Args:
        redirect_uri: Where the code was sent.
        challenge: The S256 code challenge.
        family: The client, what the user allowed it, and the tokens that the code gave.
        expires: When it can no longer be redeemed, on the clock of ``AuthorizationCodes``.
        is_used: Whether it was presented.
    """

    redirect_uri: str
    challenge: str
    family: TokenFamily
    expires: float = 0.0
    is_used: bool = False


class AuthorizationCodes:
    """The codes of one issuer. They are remembered as long as their tokens can live.

    Args:
        user_tokens: Revokes the tokens of codes that are presented again.
        token_seconds: Lifetime of an access token, in seconds.
        clock: Returns a monotonic time, in seconds.
    """

    def __init__(
        self,
        user_tokens: UserTokens,
        token_seconds: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._user_tokens = user_tokens
        remembered = CODE_SECONDS + max(token_seconds, REFRESH_SECONDS)
        self._codes = ExpiringStore[AuthorizationCode](remembered, clock)

    def add(self, code: AuthorizationCode) -> str:
        """Return a new code."""
        code.expires = self._clock() + CODE_SECONDS
        return self._codes.add(code)

    def redeem(self, client_id: str, parameters: Parameters) -> AuthorizationCode:
        """Return what the code of a token request stands for.

        Raises:
            InvalidRequestError: A parameter is missing or malformed.
            InvalidGrantError: The code cannot be redeemed by this request.
        """
        for name in _REQUIRED:
            if name not in parameters:
                raise InvalidRequestError(f"The {name} parameter is required.")
        verifier = parameters["code_verifier"]
        if not _VERIFIER.fullmatch(verifier):
            raise InvalidRequestError("The code_verifier must be 43 to 128 of A-Z a-z 0-9 - . _ ~.")
        code = self._codes.find(parameters["code"])
        if code is None:
            raise InvalidGrantError(_FAILED)
        if code.is_used:
            self._user_tokens.revoke(code.family)
            raise InvalidGrantError(_FAILED)
        code.is_used = True
        if (
            code.expires <= self._clock()
            or code.family.client_id != client_id
            or code.redirect_uri != parameters["redirect_uri"]
            or not hmac.compare_digest(code.challenge, challenge_of(verifier))
        ):
            raise InvalidGrantError(_FAILED)
        return code


def challenge_of(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
