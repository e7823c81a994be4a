"""What scopes allow, in words, for the consent page."""

from collections.abc import Mapping
from typing import Final

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"

OFFLINE_ACCESS: Final = "offline_access"

OPENID_SCOPES: Final = {
    OPENID: "Know who you are",
    PROFILE: "Read your name",
    EMAIL: "Read your e-mail address",
    OFFLINE_ACCESS: "Keep this access without asking you again",
}
"""The scopes of OpenID Connect Core sections 5.4 and 11 that have an effect, in words."""


def describe_scope(scope: str, descriptions: Mapping[str, str]) -> str:
    """Return a scope in words; the scope itself if nothing describes it."""
    return OPENID_SCOPES.get(scope) or descriptions.get(scope) or scope
