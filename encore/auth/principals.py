"""The principal of a verified token: a user or a client, and its name over all trusted issuers.

Owns the rules by which an issuer's users are named. Users of the first issuer have the value of
their claim as their name; those of any further issuer get a prefix, or names from a mapping, so
that ``ada`` of a partner never is ``ada`` of this organisation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from encore.confusables import begins_alike, validate_name
from encore.errors import Forbidden
from encore.http.principal import (
    PRINCIPAL_UNKNOWN,
    UNKNOWN,
    Principal,
    find_client_id,
    is_client_token,
)

MAX_NAME: Final = 255
"""The maximum length of a name, in characters: the usual length of a column for it."""

_EMAIL: Final = "email"
_VERIFIED: Final = "email_verified"
"""Claims of OpenID Connect Core 1.0, section 5.1."""


def claim_text(value: Any) -> str | None:
    """Return how a setting writes the value of a claim; None if it cannot be written there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class ClientMark:
    """A claim whose value marks the tokens of clients, for issuers with a mark of their own.

    Attributes:
        claim: ``idtyp`` (Entra ID), ``preferred_username`` (Keycloak).
        value: ``app``, ``service-account-``.
        is_prefix: Whether the client id must follow it, in upper or lower case.
    """

    claim: str
    value: str
    is_prefix: bool = False

    @classmethod
    def parse(cls, text: str) -> "ClientMark":
        """Parse ``idtyp=app`` or ``preferred_username=service-account-*``. Raise ``ValueError``."""
        claim, equals, value = text.partition("=")
        if (
            not claim
            or not equals
            or value in ("", "*")
            or "*" in value[:-1]
            or text.split() != [text]
        ):
            raise ValueError(
                "must be one claim=value, or claim=prefix*, without spaces, such as idtyp=app"
            )
        return cls(claim, value.removesuffix("*"), value.endswith("*"))

    def matches(self, claims: Mapping[str, Any], client_id: str | None) -> bool:
        """Return whether claims have the mark, as those of this client."""
        value = claim_text(claims.get(self.claim))
        if value is None:
            return False
        if self.is_prefix:  # Keycloak's user names are in lower case.
            return client_id is not None and value.lower() == (self.value + client_id).lower()
        return value == self.value


@dataclass(frozen=True, slots=True)
class Naming:
    """How the principals of one issuer are named.

    Attributes:
        user_claim: The claim that identifies a user.
        strip_prefix: What the values of this claim begin with and names leave out, ``auth0|``; a
            user whose value begins otherwise has no name.
        prefix: What each name begins with, ``partner:``.
        users: Names by the value of the user claim.
        clients: Names by client id. Where users or clients are mapped and there is no prefix,
            those that are not mapped have no name.
        reserved: The prefixes of other issuers, with which no name may begin.
    """

    user_claim: str = "sub"
    strip_prefix: str = ""
    prefix: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)
    reserved: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for message in self._errors():
            raise ValueError(message)

    def _errors(self) -> Iterator[str]:
        if not self.user_claim:
            yield "user_claim must not be empty"
        for name in ("strip_prefix", "prefix"):
            text = getattr(self, name)
            if not text.isprintable() or len(text) > MAX_NAME // 4:
                label = "user_prefix" if name == "prefix" else name
                yield f"{label} must be at most {MAX_NAME // 4} printable characters"
        if self.prefix and (message := validate_name(self.prefix)) is not None:
            yield f"user_prefix {message}"
        names: tuple[Any, ...] = (*self.users.values(), *self.clients.values())
        for name in names:
            if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
                yield f"users and clients must have names of 1 to {MAX_NAME} characters"
            elif (message := validate_name(name)) is not None:
                yield f"names of users and clients {message}"

    def name_user(self, claims: Mapping[str, Any]) -> str:
        """Return the name of a user. Raise ``ValueError`` with what the token lacks."""
        value = claims.get(self.user_claim)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(
                f"The token does not identify a user: its claim {self.user_claim} is missing"
            )
        if self.user_claim == _EMAIL and claim_text(claims.get(_VERIFIED, True)) != "true":
            raise ValueError(
                f"The token's claim {_VERIFIED} is not true: anybody may have its email"
            )
        if value in self.users:
            return self.users[value]
        if not value.startswith(self.strip_prefix) or value == self.strip_prefix:
            raise ValueError(
                f"The token's claim {self.user_claim} does not begin with {self.strip_prefix}"
            )
        name = value.removeprefix(self.strip_prefix)
        return self._checked(name, f"claim {self.user_claim}")

    def name_client(self, client_id: str) -> str:
        """Return the name of a client. Raise ``ValueError`` if it has none."""
        if client_id in self.clients:
            return self.clients[client_id]
        return self._checked(client_id, "client id")

    def _checked(self, value: str, what: str) -> str:
        if (self.users or self.clients) and not self.prefix:
            raise ValueError(f"The token's {what} is not among the named ones of its issuer")
        name = self.prefix + value
        if len(name) > MAX_NAME:
            raise ValueError(f"The token's {what} is longer than {MAX_NAME} characters")
        if (message := validate_name(name)) is not None:
            raise ValueError(f"The token's {what} {message}")
        if any(begins_alike(name, prefix) for prefix in self.reserved):
            raise ValueError(f"The token's {what} begins with the prefix of another issuer")
        return name


def resolve_principal(
    claims: Mapping[str, Any], issuer: str, naming: Naming, mark: ClientMark | None
) -> Principal:
    """Return the principal of a verified token.

    Args:
        claims: The payload; ``sub`` and the client's claims are strings.
        issuer: The trusted issuer.
        naming: How its principals are named.
        mark: What marks its clients' tokens besides the usual marks.

    Raises:
        Forbidden: The token has neither a subject nor a client's mark.
    """
    client_id, subject = find_client_id(claims), claims.get("sub")
    marked = mark is not None and mark.matches(claims, client_id)
    is_client = is_client_token(claims, client_id) or marked
    identifier = client_id or subject if is_client else subject
    if not identifier:
        raise Forbidden(UNKNOWN, reason=PRINCIPAL_UNKNOWN)
    name, message = None, ""
    try:
        _validate_recorded(client_id, subject)
        name = naming.name_client(identifier) if is_client else naming.name_user(claims)
    except ValueError as error:
        message = str(error)
    return Principal(
        issuer, subject or identifier, client_id, is_client, naming.prefix, name, message
    )


def _validate_recorded(client_id: str | None, subject: str | None) -> None:
    """Validate what is recorded beside a name; columns cannot hold everything that JSON can.

    Raises:
        ValueError: The client id is too long, or one of the two is not printable.
    """
    if client_id is not None and len(client_id) > MAX_NAME:
        raise ValueError(f"The token's client id is longer than {MAX_NAME} characters")
    for text, what in ((client_id, "client id"), (subject, "claim sub")):
        if text is not None and not text.isprintable():
            message = validate_name(text) or "must be printable"
            raise ValueError(f"The token's {what} {message}")
