"""The OpenAPI document of a service: all of it, or what a caller's scopes allow.

It is described anew when routes have been added, or when the issuer's endpoints became known.
"""

from collections.abc import Callable
from typing import Any, Final

from encore.http.access import Access
from encore.http.application import Application
from encore.openapi.components import Components
from encore.openapi.document import make_document
from encore.openapi.problems import problems
from encore.openapi.scopes import needed_scopes
from encore.service.documentation.permitted import permitted_document
from encore.service.documentation.rendering import DocumentCache, RenderedDocument
from encore.service.documentation.security import SecuritySchemes, list_operations, named_scopes

_IS_FASTAPIS: Final = "application/json"
"""The media type of FastAPI's own refusals; ours are problems."""

_REFUSALS: Final = (401, 403, 503)
"""The statuses of operations that need a token."""


class OpenAPIDocument:
    """Describes an application.

    Args:
        app: The application; its ``openapi()`` returns this document from now on.
        schemes: Returns how callers get tokens, as far as it is known by now.
    """

    def __init__(self, app: Application, schemes: Callable[[], SecuritySchemes]) -> None:
        self._app = app
        self._find_schemes = schemes
        self._state: tuple[int, SecuritySchemes] | None = None
        self._whole: dict[str, Any] = {}
        self._operations: list[tuple[str, str, Access]] = []
        self._scopes: frozenset[str] = frozenset()
        self._cache = DocumentCache()
        app.openapi = self.whole  # type: ignore[method-assign] # FastAPI's documented way

    def whole(self) -> dict[str, Any]:
        """Return the whole document, for a service at the root of its host."""
        self._describe_if_changed()
        return self._whole

    def count(self) -> int:
        """Return how many operations it describes."""
        self._describe_if_changed()
        return len(self._operations)

    def scopes(self) -> list[str]:
        """Return the scopes that its operations name, sorted."""
        self._describe_if_changed()
        return sorted(self._scopes)

    def render(self, prefix: str, granted: frozenset[str] | None) -> RenderedDocument:
        """Return the document as it is sent.

        Args:
            prefix: The path before the service's own paths; empty for none.
            granted: The scopes of the caller's token; None for the whole document.
        """
        self._describe_if_changed()
        # Scopes that no operation names distinguish nothing.
        relevant = None if granted is None else granted & self._scopes
        return self._cache.get((prefix, relevant), lambda: self._variant(prefix, relevant))

    def _variant(self, prefix: str, granted: frozenset[str] | None) -> dict[str, Any]:
        document = self._whole
        if granted is not None:
            schemes = self._find_schemes()
            document = permitted_document(document, self._operations, schemes, granted)
        return {**document, "servers": _servers(prefix)}

    def _describe_if_changed(self) -> None:
        state = (len(self._app.routes), self._find_schemes())
        if state == self._state:
            return
        document = {**make_document(self._app), "servers": _servers("")}
        self._operations = list(list_operations(document, self._app))
        self._whole = _secured(document, self._operations, state[1])
        self._scopes = frozenset(named_scopes(document["paths"]))
        self._cache = DocumentCache()
        self._state = state


def _servers(prefix: str) -> list[dict[str, Any]]:
    return [{"url": prefix or "/"}]


def _secured(
    document: dict[str, Any], operations: list[tuple[str, str, Access]], schemes: SecuritySchemes
) -> dict[str, Any]:
    """Add the scopes of each operation; remove FastAPI's 422, which is never sent."""
    components = Components(document.get("components"))
    refusals = problems(components, _REFUSALS)
    for path, method, access in operations:
        operation = document["paths"][path][method]
        responses = operation["responses"]
        if _IS_FASTAPIS in responses.get("422", {}).get("content", ()):
            del responses["422"]
        if access.public:
            continue
        operation["security"] = schemes.requirements(access)
        paragraphs = filter(None, [operation.get("description"), needed_scopes(access)])
        operation["description"] = "\n\n".join(paragraphs)
        # Successes first: openapi-generator's Python client accepts what the first one produces.
        operation["responses"] = dict(sorted({**refusals, **responses}.items()))
    described = document["components"] = components.as_dict()
    for unused in ("HTTPValidationError", "ValidationError"):
        described["schemas"].pop(unused, None)
    described["securitySchemes"] = schemes.describe(document["paths"], operations)
    return document
