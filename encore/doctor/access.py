"""Which operations of a service the scopes of a token allow."""

from collections import defaultdict
from collections.abc import Iterator

from encore.doctor.check_result import CheckResult, note
from encore.http.access import Access
from encore.http.application import Application
from encore.http.framework_routes import declared_access, list_routes

_NOT_SHOWN = frozenset({"HEAD", "OPTIONS"})


def check_access(app: Application, granted: frozenset[str]) -> Iterator[CheckResult]:
    """Yield a note on the allowed operations, and one for each access that the scopes lack."""
    lacking: dict[Access, list[str]] = defaultdict(list)
    allowed: list[str] = []
    for access, operation in _operations(app):
        (allowed if access.permits(granted) else lacking[access]).append(operation)
    if allowed:
        yield note("token", f"its scopes allow {', '.join(allowed)}")
    for access, operations in lacking.items():
        yield note("token", f"without {_required(access)} it cannot call {', '.join(operations)}")


def _operations(app: Application) -> Iterator[tuple[Access, str]]:
    """Yield the operations that need a token: ``GET /parts``, each with its access."""
    for route in list_routes(app.router.routes):
        path = route.path or "/"
        access = declared_access(route) or app.access.get(path)
        if access is not None and not access.public:
            methods = sorted(set(route.methods or ()) - _NOT_SHOWN)
            yield access, f"{' '.join(methods)} {path}".strip()


def _required(access: Access) -> str:
    """Return the scopes of an access in words."""
    parts = [*access.all_of, *([" or ".join(access.any_of)] if access.any_of else [])]
    return " and ".join(parts)
