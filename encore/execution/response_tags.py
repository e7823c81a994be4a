"""Validators of responses: ``ETag``, ``Last-Modified``, and 304 (RFC 9110, section 8.8).

A tag is ``"<row version>.<representation>"``. The first part is the version of the stored row; for
a list, a digest of its rows and of what its headers say of them. The second depends on the caller,
the selected fields and, unless the body is a function of the stored row alone, on the body.
"""

from functools import cached_property
from typing import Any, Final

from encore.database.statement import Row
from encore.errors import ServiceUnavailable
from encore.execution.context import Context
from encore.execution.resource import Resource
from encore.http.access import Access
from encore.http.entity_tags import IF_MATCH, IF_UNMODIFIED_SINCE
from encore.http.preconditions import Preconditions, precondition_failed
from encore.http.principal import Principal
from encore.http.request_state import RequestState
from encore.options import ACTION_NAMES
from encore.serializers.modification_date import ModificationDate
from encore.serializers.row_versions import encode_values
from encore.version import VERSION

READ: Final = "read"
LIST: Final = "list"
NOT_MODIFIED: Final = 304
SHAPING_STAGES: Final = ("fetch", "data", "write", "send", "complete")
"""The stages whose hooks may change a response."""

_ETAG: Final = b"etag"
_LAST_MODIFIED: Final = b"last-modified"
_TAGGED_STATUSES: Final = (200, 201)
_PART_CHARACTERS: Final = 12
"""The length of the second part: 72 bits."""

_CACHED_CALLERS: Final = 1_024
_NOT_IN_304: Final = frozenset(
    (
        b"content-type",
        b"content-range",
        b"content-disposition",
        b"link",
        b"invalid-values",
        b"x-total-count",
    )
)
"""Metadata of a representation, which 304 does not repeat (RFC 9110, section 15.4.5)."""


class ResponseTags:
    """The entity tags that one action of a resource sends, and those that it is judged by.

    Args:
        resource: The resource.
        action: The name of the action.

    Attributes:
        is_static: Whether bodies that no hook changes are functions of the stored rows, so that
            a tag needs no body.
        modification_date: Reads the modification dates of rows.
    """

    def __init__(self, resource: Resource, action: str) -> None:
        self.modification_date = ModificationDate(resource.fields)
        self._resource = resource
        self._versions = resource.row_versions
        self._digest = resource.digest
        self._is_list = action == LIST
        self._reads = action in (READ, LIST)
        self._access = _access_to_rows(resource, action)
        self._callers: dict[int, tuple[Principal | None, bytes]] = {}
        self._is_function = not resource.serializer.children and not resource.fields.computed
        # A counted version says nothing of changes that did not count it: the body does.
        self.is_static = self._is_function and (self._is_list or not self._versions.counted)
        self._has_date = self.modification_date.exists
        self._is_simple = self.is_static and action == READ

    def begin(self, context: Context) -> bool:
        """Add validators before the body is made, if it is not needed for them.

        Returns:
            Whether the response is 304, so that it needs no body.
        """
        if not self.is_static:
            return False
        if context.has_hooks and _find_own_tag(context) is not None:  # One of start or auth.
            self.finish(context)
            return context.status == NOT_MODIFIED
        if not self._is_simple or context.preconditions is not None or not self._digest.ready:
            return self._add(context, None, by_date=True)
        row = context.rows[0]
        tag = b'"' + self._versions.of(row) + b"." + self._representation(context) + b'"'
        headers = context.headers
        headers.append((_ETAG, tag))
        if self._has_date and (date := self.modification_date.header(row)) is not None:
            headers.append((_LAST_MODIFIED, date))
        return False

    def finish(self, context: Context, *, is_shaped: bool = False) -> None:
        """Add validators to a response whose body is made.

        Args:
            context: The context, with the body.
            is_shaped: Whether hooks may have changed the body.
        """
        own = _find_own_tag(context) if context.has_hooks else None
        if own is not None:
            self._judge_own_tag(context, own)
            return
        by_date = self._is_function and not is_shaped
        self._add(context, context.body, by_date=by_date)

    def _judge_own_tag(self, context: Context, tag: bytes) -> None:
        """Answer 304 if the tag that a hook has set is known to the caller."""
        preconditions: Preconditions | None = context.preconditions
        if preconditions is not None and self._reads:
            self._apply(context, preconditions, tag, None)

    def row_version(self, row: Row) -> str:
        """Return the first part of a row's tag.

        Raises:
            ServiceUnavailable: The key of tags could not be loaded.
        """
        self._require_key()
        return self._versions.of(row).decode()

    def current(self, context: Context, row: Row) -> dict[str, str]:
        """Return the validators of a stored row, for the response to a failed precondition.

        The tag is the one that GET has now; its first part alone, if the second needs a body.
        """
        if not self.may_read(context) or not self._digest.ready:
            return {}
        tag = self._versions.of(row)
        shaped = any(map(self._resource.hooks[READ].stage, SHAPING_STAGES))
        if self._is_function and not self._versions.counted and not shaped:
            tag = b"%b.%b" % (tag, self._representation(context))
        headers = {"ETag": f'"{tag.decode()}"'}
        date = self.modification_date.header(row)
        return headers if date is None else {**headers, "Last-Modified": date.decode()}

    def judge_read(self, context: Context) -> None:
        """Judge ``If-Match`` and ``If-Unmodified-Since`` of a request that reads.

        Raises:
            PreconditionFailed: One of them is not met.
            ServiceUnavailable: The key of tags could not be loaded.
        """
        preconditions: Preconditions | None = context.preconditions
        if preconditions is None:
            return
        if_match, date = preconditions.if_match, preconditions.unmodified_since
        if if_match is not None and not if_match.any:
            self._require_key()
            version = self._content(context)
            if version is None or not if_match.include_row(version.decode()):
                problem = "names no current version"
                raise precondition_failed(IF_MATCH, problem, self._of_single(context))
        if date is not None:
            row = None if self._is_list or len(context.rows) != 1 else context.rows[0]
            modified = None if row is None else self.modification_date.seconds(row)
            if modified is None:
                raise precondition_failed(IF_UNMODIFIED_SINCE, "cannot be met: there is no date")
            if modified > date:
                problem = "is before the last change of the row"
                raise precondition_failed(IF_UNMODIFIED_SINCE, problem, self._of_single(context))

    def _of_single(self, context: Context) -> dict[str, str]:
        single = not self._is_list and len(context.rows) == 1
        return self.current(context, context.rows[0]) if single else {}

    def _add(self, context: Context, body: bytes | None, *, by_date: bool) -> bool:
        """Add the validators; return whether the response has become 304."""
        tag = date = None
        # The tag of a dry run would tell whether a guess of a hidden column is right.
        if context.status in _TAGGED_STATUSES and not context.is_dry_run:
            tag = self._tag(context, body)
            if tag is not None and not self._is_list:
                date = self._add_date(context)
        preconditions: Preconditions | None = context.preconditions
        if preconditions is None or not self._reads:
            return False
        return self._apply(context, preconditions, tag, date if by_date else None)

    def _apply(
        self, context: Context, preconditions: Preconditions, tag: bytes | None, date: int | None
    ) -> bool:
        """Make the response 304 if the caller knows it; return whether it is."""
        if not self._is_unchanged(preconditions, tag, date):
            return False
        context.status, context.body = NOT_MODIFIED, b""
        context.headers = [h for h in context.headers if h[0].lower() not in _NOT_IN_304]
        return True

    def _tag(self, context: Context, body: bytes | None) -> bytes | None:
        """Add the tag of a response; None if it has none."""
        if not self._digest.ready or not self.may_read(context):
            return None
        version = self._content(context)
        if version is None:
            return None
        part = self._representation(context)
        if body is not None:
            part = self._digest.of(part + body)[:_PART_CHARACTERS]
        tag = b'"%b.%b"' % (version, part)
        context.headers.append((_ETAG, tag))
        return tag

    def _content(self, context: Context) -> bytes | None:
        """Return the first part of a tag; None for a response that hooks made without rows."""
        if not self._is_list:
            return self._versions.of(context.rows[0]) if len(context.rows) == 1 else None
        if not context.rows_found or not isinstance(context.instance, list):
            return None
        page = (context.offset, context.total, context.is_uncounted, context.link)
        return self._versions.digest_rows(context.rows, page)

    def _add_date(self, context: Context) -> int | None:
        """Add ``Last-Modified``; return it in seconds, if a request names a date."""
        if not self.modification_date.exists or len(context.rows) != 1:
            return None
        row = context.rows[0]
        header = self.modification_date.header(row)
        if header is not None:
            context.headers.append((_LAST_MODIFIED, header))
        return None if context.preconditions is None else self.modification_date.seconds(row)

    @staticmethod
    def _is_unchanged(preconditions: Preconditions, tag: bytes | None, date: int | None) -> bool:
        """Return whether the response is 304 (RFC 9110, section 13.2.2)."""
        if_none_match, since = preconditions.if_none_match, preconditions.modified_since
        if if_none_match is not None:
            if if_none_match.any:
                return True
            opaque = None if tag is None else tag.decode("latin-1").removeprefix("W/")[1:-1]
            return any(listed.opaque == opaque for listed in if_none_match.tags)
        return since is not None and date is not None and date <= since

    def may_read(self, context: Context) -> bool:
        """Return whether the caller may read rows, so that it may know their tags and values."""
        access = self._access
        if access is _JUDGED:
            return True
        if access is None:
            return False
        state = RequestState.from_scope(context.scope)
        if access.public or (state.claims and not access.scopes()):
            return True
        return state.granted is not None and access.permits(state.granted)

    def _representation(self, context: Context) -> bytes:
        """Return the second part of a tag, as far as it does not depend on the body."""
        principal = RequestState.from_scope(context.scope).caller
        query = context.query
        if query is not None and query.shown is not None:
            return self._represent(principal, sorted(query.shown))
        known = self._callers.get(id(principal))
        if known is not None and known[0] is principal:
            return known[1]
        part = self._represent(principal, None)
        if len(self._callers) >= _CACHED_CALLERS:
            self._callers.clear()
        self._callers[id(principal)] = (principal, part)  # The reference keeps the id its own.
        return part

    def _represent(self, principal: Principal | None, shown: list[str] | None) -> bytes:
        caller = None if principal is None else principal.key
        return self._digest.of(encode_values((self._shape, caller, shown)))[:_PART_CHARACTERS]

    @cached_property
    def _shape(self) -> list[Any]:
        """What bodies look like besides the values of their rows, in this version."""
        shown = self._resource.serializer.shown.items()
        return [VERSION, *((name, str(field.codec.schema)) for name, field in shown)]

    def _require_key(self) -> None:
        """Raise ``ServiceUnavailable`` if versions cannot be compared."""
        if not (self._digest.ready or (self._versions.counted and not self._is_list)):
            retry = {"Retry-After": "1"}
            raise ServiceUnavailable("Entity tags cannot be compared now", headers=retry)


_JUDGED: Final = Access()
"""Stands for an access that the gate has compared with the token already."""


def _find_own_tag(context: Context) -> bytes | None:
    """Return the entity tag that a hook has set; None without one."""
    return next((value for name, value in context.headers if name.lower() == _ETAG), None)


def _access_to_rows(resource: Resource, action: str) -> Access | None:
    """Return what a caller of an action needs to read its rows; None if nobody may."""
    if action in (READ, LIST):
        return _JUDGED
    if READ not in resource.options.actions:
        return None
    access, is_generated = resource.access(READ), action in ACTION_NAMES
    return _JUDGED if is_generated and access == resource.access(action) else access
