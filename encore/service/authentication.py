"""Authentication by the settings: the token verifier, the middlewares and the metadata route.

Middlewares of features that are switched off are not added, so they cost a request nothing.
"""

from typing import Any

from encore.auth import BearerAuthMiddleware, JWTVerifier, TokenVerifier
from encore.auth.authorization_server import IssuerEndpoints, find_endpoints
from encore.auth.introspection import IntrospectionVerifier
from encore.auth.introspection_client import IntrospectionClient
from encore.auth.protected_resource_metadata import metadata_route, metadata_url
from encore.auth.revocation import RevocationList
from encore.auth.trusted_issuer import TrustedIssuer
from encore.http.application import Application
from encore.http.cors import CORSMiddleware
from encore.settings import (
    Settings,
    SettingsError,
    introspection_issuer,
    trusted_issuers,
)


class Authentication:
    """The verifier and middlewares of a service, and the clients that it opens and closes.

    Args:
        settings: The settings.
        hint: How operators find out why a token is invalid, for the body of a 401.

    Raises:
        StartupError: A file that a setting names cannot be used.
    """

    def __init__(self, settings: Settings, hint: str | None = None) -> None:
        self._settings = settings
        self._hint = hint
        self._issuers = trusted_issuers(settings)
        self._revoked = _revoked(settings)
        self._verifier = JWTVerifier(self._issuers, revoked=self._revoked)
        self._introspection = self._introspect() if settings.introspection_url else None

    @property
    def verifier(self) -> TokenVerifier:
        """Verifies the tokens of requests."""
        return self._introspection or self._verifier

    @property
    def resource_metadata(self) -> str | None:
        """URL of the service's metadata (RFC 9728), for challenges; None without RESOURCE_URL."""
        url = self._settings.resource_url
        return metadata_url(url) if url else None

    @property
    def first_issuer(self) -> TrustedIssuer:
        """The issuer from which the docs page gets tokens."""
        return self._issuers[0]

    @property
    def endpoints(self) -> IssuerEndpoints:
        """The endpoints of the first issuer, as far as they are known by now."""
        issuer = self.first_issuer.issuer
        return find_endpoints(issuer, self._verifier.metadata_of(issuer))

    def protect(self, app: Application) -> None:
        """Add the middlewares to an application that has no others yet."""
        settings = self._settings
        options: dict[str, Any] = {"verifier": self.verifier, "hint": self._hint}
        if self.resource_metadata is not None:
            options["resource_metadata"] = self.resource_metadata
        if settings.rate_limit_clients or settings.rate_limit_bad_tokens:
            from encore.auth.rate_limits import RateLimitMiddleware  # noqa: PLC0415 - 0.1 s that few need

            app.add_middleware(
                RateLimitMiddleware,
                clients=settings.rate_limit_clients,
                bad_tokens=settings.rate_limit_bad_tokens,
                **options,
            )
        else:
            app.add_middleware(BearerAuthMiddleware, **options)
        if settings.cors_origins:  # Outside of the gate: a preflight carries no token.
            app.add_middleware(
                CORSMiddleware, origins=settings.cors_origins, headers=settings.cors_headers
            )

    def describe(self, app: Application) -> None:
        """Add the metadata route (RFC 9728); last, because it lists the scopes of all routes."""
        if self._settings.resource_url:
            issuers = [trusted.issuer for trusted in self._issuers]
            route = metadata_route(
                self._settings.resource_url, name=app.title, issuers=issuers, scopes=app.scopes()
            )
            app.router.routes.append(route)
            app.library_paths.add(route.path)

    async def open(self) -> None:
        """Fetch the keys and watch the list of revoked tokens, until cancelled."""
        await self._verifier.warm()
        if self._revoked is not None:
            await self._revoked.watch()

    async def aclose(self) -> None:
        """Cancel requests in progress and close the clients."""
        await self._verifier.aclose()
        if self._introspection is not None:
            await self._introspection.aclose()

    def _introspect(self) -> IntrospectionVerifier:
        settings = self._settings
        endpoint = IntrospectionClient(
            settings.introspection_url,
            settings.introspection_client_id,
            settings.introspection_client_secret,
        )
        return IntrospectionVerifier(
            self._verifier,
            endpoint,
            trusted=introspection_issuer(settings, self._issuers),
            aud_optional=bool(settings.introspection_audience_optional),
            revoked=self._revoked,
        )


def _revoked(settings: Settings) -> RevocationList | None:
    if settings.revoked_tokens_file is None:
        return None
    revoked = RevocationList(settings.revoked_tokens_file)
    try:
        revoked.read()
    except (OSError, ValueError) as error:
        raise SettingsError(f"REVOKED_TOKENS_FILE: cannot be used: {error}") from error
    return revoked
