"""How callers authenticate, in the OpenAPI document: the scheme, and the scopes of operations."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from encore.auth.authorization_server import IssuerEndpoints
from encore.http.access import PUBLIC, Access
from encore.http.application import Application
from encore.http.framework_routes import declared_access, list_routes
from encore.openapi.scopes import describe_scopes

OAUTH2: Final = "oauth2"
BEARER: Final = "bearer"
"""The scheme where the issuer's token endpoint is not known: a token must be pasted."""


@dataclass(frozen=True, slots=True)
class SecuritySchemes:
    """How callers get tokens.

    Attributes:
        issuer: Whose tokens are accepted; of several issuers the first.
        endpoints: Where it issues them.
        scope_descriptions: What scopes allow, in words; others are described by the operations
            that need them.
    """

    issuer: str
    endpoints: IssuerEndpoints
    scope_descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the scheme in the document."""
        return OAUTH2 if self.endpoints.token else BEARER

    def requirements(self, access: Access) -> list[dict[str, list[str]]]:
        """Return the alternatives, one of which a token must satisfy."""
        alternatives = [[scope] for scope in access.any_of] or [[]]
        return [{self.name: [*access.all_of, *one]} for one in alternatives]

    def describe(
        self, paths: Mapping[str, Mapping[str, Any]], operations: Iterable[tuple[str, str, Access]]
    ) -> dict[str, Any]:
        """Return the security schemes of a document.

        Args:
            paths: The paths of the document.
            operations: Operations by path, method in lower case and access; those that the document
                does not describe are left out.
        """
        if not self.endpoints.token:
            return {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": f"An access token of {self.issuer}.",
                }
            }
        described = self._describe_scopes(paths, operations)
        token_url = self.endpoints.token
        flows: dict[str, Any] = {}
        if self.endpoints.authorization:
            flows["authorizationCode"] = {
                "authorizationUrl": self.endpoints.authorization,
                "tokenUrl": token_url,
                "scopes": described,
            }
        flows["clientCredentials"] = {"tokenUrl": token_url, "scopes": described}
        description = f"Access tokens of {self.issuer}: for persons and for programs."
        return {OAUTH2: {"type": "oauth2", "description": description, "flows": flows}}

    def _describe_scopes(
        self, paths: Mapping[str, Mapping[str, Any]], operations: Iterable[tuple[str, str, Access]]
    ) -> dict[str, str]:
        """Return what the scopes that a document names allow, in words."""
        found = {
            **describe_scopes(
                (method, paths[path][method].get("tags", ()), access)
                for path, method, access in operations
                if method in paths.get(path, ())
            ),
            **self.scope_descriptions,
        }
        return {scope: found.get(scope, scope) for scope in sorted(named_scopes(paths))}


def list_operations(
    document: Mapping[str, Any], app: Application
) -> Iterator[tuple[str, str, Access]]:
    """Yield path, method in lower case and access of each operation that a document describes."""
    for route in list_routes(app.routes):
        path = route.path_format or route.path or ""
        operations = document["paths"].get(path, {})
        access = declared_access(route) or PUBLIC
        for method in sorted(route.methods or ()):
            if method.lower() in operations:
                yield path, method.lower(), access


def named_scopes(paths: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the scopes that the operations of a document name."""
    operations = (operation for item in paths.values() for operation in item.values())
    return {
        scope
        for operation in operations
        if isinstance(operation, Mapping)
        for requirement in operation.get("security", ())
        for scopes in requirement.values()
        for scope in scopes
    }
