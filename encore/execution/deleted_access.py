"""Who may see the deleted rows of a soft-deleted resource: callers with the access of restore."""

from starlette.types import Scope

from encore.errors import Forbidden, Unauthorized
from encore.http.request_state import RequestState
from encore.http.require_principal import require_further_access
from encore.options import RESTORE
from encore.query.parser import DELETED
from encore.resource.definition import ResourceDefinition


def may_see_deleted(resource: ResourceDefinition, scope: Scope) -> bool:
    """Return whether the caller may see deleted rows."""
    try:
        require_further_access(resource.access(RESTORE), RequestState.from_scope(scope))
    except (Unauthorized, Forbidden):
        return False
    return True


def require_deleted_access(resource: ResourceDefinition, scope: Scope) -> None:
    """Check that the caller may see deleted rows.

    Raises:
        Unauthorized: There is no verified caller.
        Forbidden: The token lacks a scope; the error names it.
    """
    access = resource.access(RESTORE)
    try:
        require_further_access(access, RequestState.from_scope(scope))
    except Forbidden as error:
        required = ", ".join((*access.all_of, *access.any_of[:1]))
        message = f"The parameter {DELETED} needs the scope {required}"
        raise Forbidden(message, headers=error.headers, reason=error.reason) from error
