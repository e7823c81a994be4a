"""The trusted issuers: ISSUER, AUTH0_DOMAIN and the tables of TRUSTED_ISSUERS_FILE, together.

Users of ISSUER have the value of their claim as their name. Each further issuer must say how its
users are named, since a subject is unique at its issuer only (``encore.auth.principals``).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any, Final
from urllib.parse import urlsplit

from encore.auth.principals import Naming
from encore.auth.trusted_issuer import TrustedIssuer, is_loopback
from encore.confusables import begins_alike
from encore.errors import SettingsError
from encore.settings.issuers_file import (
    FILE,
    NamedIssuer,
    build_issuer,
    build_naming,
    parse_mark,
    read_issuers_file,
)
from encore.settings.production import HTTPS_ONLY, is_https
from encore.settings.scope_grants import FILE as GRANTS_FILE
from encore.settings.scope_grants import ScopeGrants, read_scope_grants
from encore.settings.settings import Settings

_SUBJECT: Final = "sub"

AUTH0_SCOPE_CLAIMS: Final = ("scope", "permissions")
"""``scope`` (RFC 9068), and the claim that Auth0's role-based access control adds."""


def trusted_issuers(settings: Settings) -> tuple[TrustedIssuer, ...]:
    """Return all trusted issuers, ISSUER first.

    Raises:
        SettingsError: One is named twice, its table is invalid, it does not say how its users
            are named, or production refuses it.
    """
    found: dict[str, TrustedIssuer] = {}
    named_by: dict[str, str] = {}
    unnamed: list[str] = []
    for where, trusted, names_users in _all(settings):
        if settings.is_production and not is_https(trusted.issuer):
            raise SettingsError(f"{where}: {trusted.issuer} {HTTPS_ONLY}")
        if trusted.issuer in found:
            raise SettingsError(f"{where}: {trusted.issuer} is trusted twice; name it once")
        found[trusted.issuer], named_by[trusted.issuer] = trusted, where
        if not names_users:
            unnamed.append(where)
    if not found:
        raise SettingsError(f"{FILE}: names no issuer")
    if len(found) > 1 and unnamed:
        raise SettingsError(*map(_missing_naming, unnamed))
    _check_prefixes({named_by[issuer]: trusted for issuer, trusted in found.items()})
    grants = read_scope_grants(settings.scope_grants_file, found)
    return tuple(
        _complete(named_by[issuer], trusted, found.values(), grants)
        for issuer, trusted in found.items()
    )


def introspection_issuer(settings: Settings, issuers: Sequence[TrustedIssuer]) -> TrustedIssuer:
    """Return the trusted issuer whose endpoint INTROSPECTION_URL is.

    Raises:
        SettingsError: Several issuers are trusted and none is named, or one that is not trusted.
    """
    named = settings.introspection_issuer
    if not named and len(issuers) == 1:
        return issuers[0]
    for trusted in issuers:
        if trusted.issuer == named:
            return trusted
    if named:
        raise SettingsError(f"INTROSPECTION_ISSUER: {named} is not among the trusted issuers")
    raise SettingsError(
        "INTROSPECTION_ISSUER: is missing; several issuers are trusted, so it must say whose"
        " endpoint INTROSPECTION_URL is"
    )


def auth0_issuer(domain: str) -> str:
    """Return the issuer of a tenant's domain; on loopback it is the development issuer's."""
    scheme = "http" if is_loopback(urlsplit(f"//{domain}").hostname or "") else "https"
    return f"{scheme}://{domain}/"


def _names_users_of_auth0(settings: Settings) -> bool:
    """Return whether the settings say how a tenant's users are named.

    Beside ISSUER an empty prefix says so by another claim than ``sub`` only: Auth0's subjects have
    prefixes of their own, so that nobody has the same one at ISSUER who is meant to.
    """
    if settings.auth0_user_prefix or settings.auth0_strip_prefix:
        return True
    by_subject = settings.issuer and settings.user_claim == _SUBJECT
    return settings.auth0_user_prefix is not None and not by_subject


def _missing_naming(where: str) -> str:
    setting, same = "user_prefix", "empty"
    if where == "AUTH0_DOMAIN":
        setting, same = "AUTH0_USER_PREFIX", "AUTH0_STRIP_PREFIX=auth0|, or empty with USER_CLAIM,"
    return (
        f"{where}: with several issuers, {setting} must say what the names of its users begin with"
        f" ({same} if they are the same people)"
    )


def _check_prefixes(issuers: Mapping[str, TrustedIssuer]) -> None:
    """Reject prefixes with which one name could be of two issuers.

    Args:
        issuers: The issuers by the setting that names them.

    Raises:
        SettingsError: A prefix begins with another one.
    """
    prefixes = {where: i.naming.prefix for where, i in issuers.items() if i.naming.prefix}
    for (where, prefix), (_, other) in permutations(prefixes.items(), 2):
        if begins_alike(prefix, other):
            raise SettingsError(
                f"{where}: the user prefix {prefix} begins with that of another issuer, {other}"
            )


def _complete(
    where: str,
    trusted: TrustedIssuer,
    all_trusted: Collection[TrustedIssuer],
    grants: Mapping[str, ScopeGrants],
) -> TrustedIssuer:
    """Return an issuer with what depends on other settings: reserved prefixes, granted scopes.

    Raises:
        SettingsError: Nothing grants scopes to its tokens.
    """
    own = trusted.naming.prefix
    others = {other.naming.prefix for other in all_trusted} - {own, ""}
    granted = grants.get(trusted.issuer, ScopeGrants())
    if not (trusted.scope_claims or granted.users or granted.clients):
        raise SettingsError(
            f"{where}: {trusted.issuer} has no scope claims, so {GRANTS_FILE} must grant its users"
            " or clients scopes"
        )
    naming = replace(trusted.naming, reserved=tuple(sorted(others)))
    return replace(trusted, naming=naming, user_grants=granted.users, client_grants=granted.clients)


def _all(settings: Settings) -> Iterator[NamedIssuer]:
    common: dict[str, Any] = {
        "clock_skew_seconds": settings.clock_skew_seconds,
        "profile": settings.token_profile,
        "max_age_seconds": settings.max_token_age_seconds,
        "client_mark": parse_mark(settings.client_mark),
    }
    if settings.issuer:
        audiences = (settings.audience, *settings.extra_audiences) if settings.audience else ()
        yield (
            "ISSUER",
            build_issuer(
                "ISSUER",
                issuer=settings.issuer,
                audience=audiences[0] if len(audiences) == 1 else audiences,
                algorithms=settings.token_algorithms,
                scope_claims=settings.scope_claims,
                client_ids=settings.token_client_ids,
                required_claims=dict(pair.split("=", 1) for pair in settings.required_claims),
                naming=Naming(settings.user_claim),
                **common,
            ),
            True,
        )
    if settings.auth0_domain:
        naming = {
            "user_claim": settings.user_claim,
            "prefix": settings.auth0_user_prefix or "",
            "strip_prefix": settings.auth0_strip_prefix,
        }
        yield (
            "AUTH0_DOMAIN",
            build_issuer(
                "AUTH0_DOMAIN",
                issuer=auth0_issuer(settings.auth0_domain),
                audience=settings.auth0_audience,
                scope_claims=AUTH0_SCOPE_CLAIMS,
                naming=build_naming("AUTH0_DOMAIN", **naming),
                **common,
            ),
            _names_users_of_auth0(settings),
        )
    if settings.trusted_issuers_file is not None:
        yield from read_issuers_file(settings.trusted_issuers_file)
