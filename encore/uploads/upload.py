"""An upload: one resource's, its options compiled into what a request uses."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Dialect, Table
from sqlalchemy.types import DateTime

from encore.database.capabilities import capabilities_of
from encore.errors import ConfigurationError
from encore.execution.resource import Resource
from encore.http.access import Access
from encore.models.fields import Field
from encore.resource.option_checks import check_path
from encore.types import UtcDateTime
from encore.uploads.formats import ColumnNames
from encore.uploads.hooks import UploadHooks
from encore.uploads.idempotency import IdempotencyKeys
from encore.uploads.rows import RowMaker
from encore.uploads.staging_table import DEFAULT_PART_ROWS, MAX_FIELDS, Parts, StagingTable
from encore.uploads.statements import UploadStatements
from encore.validation.members import AllowedMembers

DEFAULT_LIMIT: Final = 256 * 1024 * 1024
"""The largest body, in bytes."""

DEFAULT_MAX_REJECTED: Final = 10_000
"""The most rejected rows; as many as an upload with an idempotency key may have in all."""


class Upload(UploadHooks):
    """What a service hangs an upload's hooks on.

    Args:
        resource: Whose rows are uploaded; its model has one key, numbered by the database.
        path: Where.
        natural_key: The names of the fields by which a stored row is known again. A row that
            leaves one of them out is always new.
        only_on_create: The names of fields that hooks set, and that a stored row keeps.
        access: What it asks of a token.
        limit: The largest body, in bytes.
        max_rejected: The most rows that may be rejected; with one more, the upload ends and nothing
            is written, in every mode.
        part_rows: How many rows of a partial upload are written at a time, each part in a
            transaction of its own; None for all at once. Hooks see a part at a time.
        idempotency_keys: Whether a request may have an ``Idempotency-Key``; its response is kept in
            the table ``encore.database.tables.idempotency_keys``.
        dialect: What statements are compiled for.

    Attributes:
        stage: The temporary table of one upload's rows.
        parts: What divides large partial uploads.
        statements: What the database runs.
        table: The resource's.
        moments: Fields that all new rows of one upload get the same value for.
        refreshed: Fields that all changed rows of one upload get the same value for.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        path: str,
        natural_key: Sequence[str],
        only_on_create: Sequence[str] = (),
        access: Access,
        limit: int = DEFAULT_LIMIT,
        max_rejected: int = DEFAULT_MAX_REJECTED,
        part_rows: int | None = DEFAULT_PART_ROWS,
        idempotency_keys: bool = False,
        dialect: Dialect,
    ) -> None:
        super().__init__()
        self.resource = resource
        self.path = path
        self.access = access
        self.limit = limit
        self.max_rejected = max_rejected
        if type(max_rejected) is not int or max_rejected < 0:
            text = "must be a number of rows, 0 or more"
            raise ConfigurationError(resource.name, "max_rejected", text)
        self.dialect = dialect
        self.table: Table = resource.fields.key[0].column.table
        if part_rows is not None and (type(part_rows) is not int or part_rows < 1):
            text = "must be a number of rows, 1 or more, or None"
            raise ConfigurationError(resource.name, "part_rows", text)
        for text in check_path(path):
            raise ConfigurationError(resource.name, "path", text)
        if isinstance(natural_key, str) or not isinstance(natural_key, Collection):
            raise ConfigurationError(resource.name, "natural_key", "must be a list of names")
        self.keys = self._keys(idempotency_keys)
        key = self._key()
        natural = [self._natural(name, key) for name in natural_key]
        kept = {self._field("only_on_create", name) for name in only_on_create}
        if not natural:
            raise ConfigurationError(resource.name, "natural_key", "must name a field")
        self.moments = [f for f in resource.default_fields if f.managed and _is_moment(f)]
        self.refreshed = [f for f in resource.onupdate_fields if f in self.moments]
        staged = [
            f
            for f in resource.fields
            if not (f is key or f in self.moments or f.computed or f.generated_always)
        ]
        for option, fields in (("natural_key", natural), ("only_on_create", kept)):
            for field in fields:
                if field not in staged:
                    text = f"{field.name!r} is not uploaded: the service or the database sets it"
                    raise ConfigurationError(resource.name, option, text)
        if len(staged) > MAX_FIELDS:
            raise ConfigurationError(resource.name, "upload", f"has over {MAX_FIELDS} fields")
        self.stage = StagingTable(f"upload_{resource.slug}", staged, dialect)
        self.parts = Parts(self.stage, part_rows)
        self.statements = UploadStatements(
            self.stage,
            natural_key=natural,
            key=key,
            moments=self.moments,
            refreshed=self.refreshed,
            changeable=[f for f in staged if f not in kept and f not in natural],
            mapped=resource.fields.mapped,
            dialect=dialect,
        )
        creatable = [f for f in resource.bodies.creatable if f in staged]
        members = AllowedMembers.of(resource.serializer, creatable)
        self.maker = RowMaker(
            self.stage, creatable, resource.bodies.nameable, resource.locations, members
        )
        shown = list(resource.serializer.shown)
        self.names = ColumnNames({*shown, *(f.name for f in creatable)}, shown)

    def _key(self) -> Field:
        key = self.resource.identity_field
        if key is None or self.resource.fields.key != (key,):
            text = "needs a model with one key, numbered by the database"
            raise ConfigurationError(self.resource.name, "upload", text)
        reasons = self.resource.session_writes.behaviour.reasons("create")
        if key.generated_always and capabilities_of(self.dialect).identity_sequences and reasons:
            text = (
                f"needs a session ({reasons[0]}), which cannot number {key.name}: GENERATED ALWAYS"
            )
            raise ConfigurationError(self.resource.name, "upload", text)
        return key

    def _keys(self, option: Any) -> IdempotencyKeys | None:
        if type(option) is not bool:
            text = "must be True or False"
            raise ConfigurationError(self.resource.name, "idempotency_keys", text)
        return IdempotencyKeys(self.dialect) if option else None

    def _natural(self, name: str, key: Field) -> Field:
        field = self._field("natural_key", name)
        if field is key or field.read_only or not field.codec.is_comparable:
            text = f"{name!r} is no field by which clients know a row"
            raise ConfigurationError(self.resource.name, "natural_key", text)
        return field

    def _field(self, option: str, name: str) -> Field:
        field = self.resource.fields.by_name.get(name)
        if field is None:
            known = ", ".join(self.resource.fields.by_name)
            raise ConfigurationError(self.resource.name, option, f"{name!r} is none of {known}")
        return field


def _is_moment(field: Field) -> bool:
    return isinstance(field.column.type, DateTime | UtcDateTime)
