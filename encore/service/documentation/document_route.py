"""``GET /openapi.json``: the whole document, or with a token that of its caller.

``?for=me`` asks for the caller's own and is refused without a token. Caches keep both documents but
ask each time whether they have changed: the whole one for everybody, a caller's for the caller.
"""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encore.auth.challenges import NO_HEADER, add_resource_metadata, no_credentials
from encore.http.access import AUTHENTICATED
from encore.http.compression import accepts_gzip
from encore.http.entity_tags import IF_MATCH, IF_UNMODIFIED_SINCE, EntityTag
from encore.http.media_types import check_accept
from encore.http.preconditions import parse_preconditions, precondition_failed
from encore.http.request_state import RequestState
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.service.documentation.caching import cache_control
from encore.service.documentation.document import OpenAPIDocument
from encore.service.documentation.paths import OPENAPI

FOR: Final = "for"
ME: Final = "me"
_JSON: Final = "application/json"
_NOT_MODIFIED: Final = 304
_VARY: Final = "Authorization, Accept-Encoding"

Prefix = Callable[[Request], str]
"""Returns the path before a service's own paths, as its callers know it."""


def document_route(
    document: OpenAPIDocument, prefix: Prefix, resource_metadata: str | None
) -> Route:
    """Return the route of the document.

    Args:
        document: The document.
        prefix: Returns the path before the service's paths.
        resource_metadata: URL of the service's metadata (RFC 9728), for the challenge.
    """

    async def openapi(request: Request) -> Response:
        state = RequestState.from_scope(request.scope)
        if _asks_for_own(request) and state.access.public:
            state.access = AUTHENTICATED
            error = no_credentials(NO_HEADER, "no-authorization-header")
            if resource_metadata is not None:
                add_resource_metadata(error, resource_metadata)
            raise error
        check_accept(request.scope, (_JSON,))
        granted = None if state.access.public else state.granted or frozenset()
        rendered = document.render(prefix(request), granted)
        headers = {**cache_control(request.scope), "Vary": _VARY}
        body, tag = rendered.body, rendered.tag
        if accepts_gzip(request.scope):
            body, tag = rendered.compressed, rendered.compressed_tag
            headers["Content-Encoding"] = "gzip"
        headers["ETag"] = str(tag)
        if _is_not_modified(request, tag):
            headers.pop("Content-Encoding", None)
            return Response(status_code=_NOT_MODIFIED, headers=headers)
        return Response(body, media_type=_JSON, headers=headers)

    return Route(OPENAPI, openapi, include_in_schema=False)


def _asks_for_own(request: Request) -> bool:
    """Return whether the query is ``for=me``. Raises ``InvalidQuery`` for any other query."""
    query = request.query_params
    if unknown := [name for name in query if name != FOR]:
        raise unknown_parameter(unknown[0], (FOR,))
    values = query.getlist(FOR)
    if values not in ([], [ME]):
        raise invalid_parameter(FOR, f"must be {ME}, once")
    return bool(values)


def _is_not_modified(request: Request, tag: EntityTag) -> bool:
    """Return whether the caller has this document. Raises ``PreconditionFailed``."""
    conditions = parse_preconditions(request.scope)
    if conditions is None:
        return False
    if_match = conditions.if_match
    if if_match is not None and not if_match.any and not _lists(if_match.tags, tag):
        raise precondition_failed(IF_MATCH, "does not name the current document")
    if conditions.unmodified_since is not None:
        raise precondition_failed(IF_UNMODIFIED_SINCE, "cannot be met: this target has no date")
    return conditions.if_none_match is not None and conditions.if_none_match.include(tag)


def _lists(tags: tuple[EntityTag, ...], tag: EntityTag) -> bool:
    return any(tag.matches_strongly(listed) for listed in tags)
