"""The supported grants and the subject of a token.

The subject is a client (RFC 6749 section 4.4) or a user (sections 4.1 and 4.3).

The password grant makes it possible to act as a user on a development machine: there are no
accounts, so any name and any password are valid. A production service should never use it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from encore.issuer.oauth_errors import (
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from encore.issuer.parameters import Parameters

CLIENT_CREDENTIALS: Final = "client_credentials"
PASSWORD: Final = "password"  # noqa: S105 - the name of a grant
AUTHORIZATION_CODE: Final = "authorization_code"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a grant
GRANTS: Final = (
    CLIENT_CREDENTIALS,
    PASSWORD,
    AUTHORIZATION_CODE,
    DEVICE_CODE,
    REFRESH_TOKEN,
)
CONFIDENTIAL_GRANTS: Final = (CLIENT_CREDENTIALS, PASSWORD)
"""The grants that no user approves: only for clients with a secret."""

MAX_CHARACTERS: Final = 100
"""Maximum length of a user's name."""


@dataclass(frozen=True)
class Subject:
    """The subject of a token.

    Args:
        client_id: The client that requested the token.
        user: The user; None for the client itself.
        grant: The grant by which the token was requested.
        claims: Further claims of the user.
    """

    client_id: str
    user: str | None = None
    grant: str = CLIENT_CREDENTIALS
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_consented(self) -> bool:
        """Whether a user allowed the token, at a page."""
        return self.grant not in CONFIDENTIAL_GRANTS


def parse_grant_type(parameters: Parameters) -> str:
    """Return the grant of a token request.

    Raises:
        InvalidRequestError: It is missing.
        UnsupportedGrantTypeError: It is not one of ``GRANTS``.
    """
    grant = parameters.get("grant_type")
    if grant is None:
        raise InvalidRequestError("The grant_type parameter is required.")
    if grant not in GRANTS:
        raise UnsupportedGrantTypeError(f"The grant_type must be one of {', '.join(GRANTS)}.")
    return grant


def parse_user(client_id: str, parameters: Parameters) -> Subject:
    """Return the user that a password grant names.

    Raises:
        InvalidRequestError: A parameter of the grant is missing, or the user's name is invalid.
        InvalidGrantError: The user's name is a client's id; the tokens would be indistinguishable.
    """
    if "username" not in parameters or "password" not in parameters:
        raise InvalidRequestError("The username and password parameters are required.")
    user = parameters["username"]
    if not is_user_name(user):
        raise InvalidRequestError(
            f"The username must be at most {MAX_CHARACTERS} printable characters, with no blanks"
            " around them."
        )
    if user.removesuffix("@clients") == client_id:
        raise InvalidGrantError("The username is the id of the client.")
    return Subject(client_id, user, PASSWORD)


def is_user_name(name: str) -> bool:
    """Return whether a string can be the name of a user."""
    return len(name) <= MAX_CHARACTERS and name.isprintable() and name == name.strip()
