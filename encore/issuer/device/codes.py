"""Device codes and user codes (RFC 8628 sections 3.2, 3.5 and 6.1).

User codes are eight of twenty consonants, which spell no words. There are 2.6e10 of them, so that
the few that are valid are not found by guessing, which ``GuessLimit`` slows down.
"""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from encore.issuer.consent import AccessRequest, Approval
from encore.issuer.device.errors import (
    AuthorizationPendingError,
    DeviceAccessDeniedError,
    ExpiredTokenError,
    SlowDownError,
)
from encore.issuer.expiring_store import ExpiringStore
from encore.issuer.oauth_errors import InvalidGrantError

DEVICE_SECONDS: Final = 600
"""How long the codes are valid."""

POLL_SECONDS: Final = 5
"""How long a device waits between token requests; five more for each that comes too early."""

_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH: Final = 8
_USER_CODE: Final = re.compile(f"[{_ALPHABET}]{{{_LENGTH}}}")
_IGNORED: Final = re.compile(r"[\s_.-]+")


@dataclass
class DeviceAuthorization:
    """A device that waits for a user.

    Args:
        access: What it asks for.
        user_code: What the user types.
        expires: When the codes expire, on the clock of ``DeviceCodes``.
        interval: How long the device must wait between token requests, in seconds.
        last_poll: When it asked last.
        approval: What the user allowed.
        is_decided: Whether the user decided; without an approval the user denied.
    """

    access: AccessRequest
    user_code: str
    expires: float
    interval: int = POLL_SECONDS
    last_poll: float | None = None
    approval: Approval | None = None
    is_decided: bool = False

    def decide(self, approval: Approval | None) -> None:
        """Store the decision of a user; None denies."""
        self.approval = approval
        self.is_decided = True


class DeviceCodes:
    """The pending device authorizations of one issuer.

    Args:
        clock: Returns a monotonic time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Twice as long as valid, so that devices are told that their code has expired.
        self._by_device = ExpiringStore[DeviceAuthorization](2 * DEVICE_SECONDS, clock)
        self._by_user = ExpiringStore[DeviceAuthorization](DEVICE_SECONDS, clock)

    def add(self, access: AccessRequest) -> tuple[str, str]:
        """Return a new device code and a new user code."""
        user_code = _new_user_code()
        while self._by_user.find(user_code) is not None:
            user_code = _new_user_code()
        pending = DeviceAuthorization(access, user_code, self._clock() + DEVICE_SECONDS)
        self._by_user.add(pending, user_code)
        return self._by_device.add(pending), user_code

    def find_by_user_code(self, user_code: str) -> DeviceAuthorization | None:
        """Return the undecided authorization of a user code in the form of ``parse_user_code``."""
        pending = self._by_user.find(user_code)
        return None if pending is None or pending.is_decided else pending

    def redeem(self, device_code: str, client_id: str) -> tuple[AccessRequest, Approval]:
        """Return what was asked for and what the user allowed, once.

        Raises:
            InvalidGrantError: The device code is unknown, used, or another client's.
            AuthorizationPendingError: The user has not decided.
            SlowDownError: The device asks too often.
            ExpiredTokenError: The user has not decided in time.
            DeviceAccessDeniedError: The user denied.
        """
        pending = self._by_device.find(device_code)
        if pending is None or pending.access.client_id != client_id:
            raise InvalidGrantError("The device code is unknown, used, or another client's.")
        now = self._clock()
        last, pending.last_poll = pending.last_poll, now
        if pending.expires <= now:
            raise ExpiredTokenError("The device code has expired.")
        if last is not None and now - last < pending.interval:
            pending.interval += POLL_SECONDS
            raise SlowDownError(f"Wait {pending.interval} seconds between token requests.")
        if not pending.is_decided:
            raise AuthorizationPendingError("The user has not decided yet.")
        self._by_device.remove(device_code)
        if pending.approval is None:
            raise DeviceAccessDeniedError("The user denied the request.")
        return pending.access, pending.approval


def parse_user_code(typed: str) -> str | None:
    """Return a user code as it was typed in its canonical form, with a hyphen; None if it is none.

    Case, blanks and punctuation do not count (RFC 8628 section 6.1).
    """
    code = _IGNORED.sub("", typed)
    # Other letters have upper cases in ASCII, such as U+017F.
    if not code.isascii() or not _USER_CODE.fullmatch(code.upper()):
        return None
    return _with_hyphen(code.upper())


def _new_user_code() -> str:
    return _with_hyphen("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def _with_hyphen(code: str) -> str:
    return f"{code[: _LENGTH // 2]}-{code[_LENGTH // 2 :]}"
