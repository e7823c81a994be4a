"""For whom a token is: a client itself (RFC 6749 section 4.4), or a person by it (section 4.3).

The password grant is here so that one can act as a person on a development machine: there are no
accounts, so any name and any password will do. No real service should take people's passwords.
"""

from dataclasses import dataclass

from encore.issuer.oauth_errors import (
    InvalidGrantError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
)
from encore.issuer.parameters import Parameters

CLIENT_CREDENTIALS = "client_credentials"
PASSWORD = "password"  # noqa: S105 - a grant's name
GRANTS = (CLIENT_CREDENTIALS, PASSWORD)

MAX_CHARACTERS = 100
"""Longest name of a person."""


@dataclass(frozen=True)
class Subject:
    """For whom a token is.

    Args:
        client_id: The client that asked.
        user: The person; None for the client itself.
    """

    client_id: str
    user: str | None = None


def parse_subject(client_id: str, parameters: Parameters) -> Subject:
    """Give for whom a request wants its token.

    Raises:
        InvalidRequestError: It lacks the grant's parameters, or the name is ill-formed.
        UnsupportedGrantError: Its grant is none of ``GRANTS``.
        InvalidGrantError: The name is a client's, whose own token this one would be taken for.
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
