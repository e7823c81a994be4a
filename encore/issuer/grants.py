"""The supported grants and the subject of a token.

The subject is a client (RFC 6749 section 4.4) or a user (section 4.3).

The password grant makes it possible to act as a user on a development machine: there are no
accounts, so any name and any password are valid. A production service should never use it.
"""

from dataclasses import dataclass
from typing import Final

from encore.issuer.oauth_errors import (
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from encore.issuer.parameters import Parameters

CLIENT_CREDENTIALS: Final = "client_credentials"
PASSWORD: Final = "password"  # noqa: S105 - the name of a grant
GRANTS: Final = (CLIENT_CREDENTIALS, PASSWORD)

MAX_CHARACTERS: Final = 100
"""Maximum length of a user's name."""


@dataclass(frozen=True)
class Subject:
    """The subject of a token.

    Args:
        client_id: The client that requested the token.
        user: The user; None for the client itself.
    """

    client_id: str
    user: str | None = None


def parse_subject(client_id: str, parameters: Parameters) -> Subject:
    """Return the subject of a token request.

    Raises:
        InvalidRequestError: A parameter of the grant is missing, or the user's name is invalid.
        UnsupportedGrantTypeError: The grant is not one of ``GRANTS``.
        InvalidGrantError: The user's name is a client's id; the tokens would be indistinguishable.
    """
    grant = parameters.get("grant_type")
    if grant is None:
        raise InvalidRequestError("The grant_type parameter is required.")
    if grant not in GRANTS:
        raise UnsupportedGrantTypeError(
            f"Only the grant_types {' and '.join(GRANTS)} are supported."
        )
    if grant == CLIENT_CREDENTIALS:
        return Subject(client_id)
    if "username" not in parameters or "password" not in parameters:
        raise InvalidRequestError("The username and password parameters are required.")
    user = parameters["username"]
    if len(user) > MAX_CHARACTERS or not user.isprintable() or user != user.strip():
        raise InvalidRequestError(
            f"The username must be at most {MAX_CHARACTERS} printable characters, with no blanks"
            " around them."
        )
    if user.removesuffix("@clients") == client_id:
        raise InvalidGrantError("The username is the id of the client.")
    return Subject(client_id, user)
